"""A trained model on disk: everything that determines its outputs, and nothing that can run.

<task>-<family>/  weights.safetensors  config.toml  vocabulary.txt    -> digest, the model's identity
                  report.json  CARD.md                                figures, read by people and /v1/models
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import safetensors
import safetensors.torch
import tomli_w
import torch
from torch import Tensor

from models.calibration import Calibration
from models.contract import Classifier
from models.errors import ArtefactError
from models.families import FAMILIES, build
from models.vocabulary import Vocabulary

PIPE: Final = 1
"""Raised whenever the sentences or tokens of a golden file change: older artefacts are then refused."""
WEIGHTS, CONFIG, VOCABULARY, REPORT, CARD = (
    "weights.safetensors",
    "config.toml",
    "vocabulary.txt",
    "report.json",
    "CARD.md",
)
HALF_FROM: Final = 100_000
"""Tables of at least so many numbers are stored, and therefore evaluated, as 16-bit floats."""


@dataclass(frozen=True)
class Artefact:
    """A loaded model. `sizes` are what `families.build` takes: numbers and names."""

    task: str
    family: str
    labels: tuple[str, ...]
    sizes: dict[str, Any]
    vocabulary: Vocabulary
    classifier: Classifier[Any]
    calibration: Calibration
    thresholds: dict[str, float] = field(default_factory=dict)
    language: str = "en"
    digest: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.task}-{self.family}"

    def save(self, folder: Path) -> Artefact:
        """Writes weights, config and vocabulary, and gives back what `load` reads from them."""
        folder.mkdir(parents=True, exist_ok=True)
        vocabulary = "".join(f"{word}\n" for word in self.vocabulary.words).encode()
        (folder / VOCABULARY).write_bytes(vocabulary)
        config = {
            "pipe": PIPE,
            "task": self.task,
            "family": self.family,
            "labels": list(self.labels),
            "language": self.language,
            "sizes": self.sizes,
            "calibration": self.calibration.to_config(),
            "thresholds": self.thresholds,
        }
        (folder / CONFIG).write_bytes(tomli_w.dumps(config).encode())
        tensors = {name: _stored(tensor) for name, tensor in self.classifier.state_dict().items()}
        metadata = {"vocabulary_sha256": hashlib.sha256(vocabulary).hexdigest()}
        safetensors.torch.save_file(tensors, folder / WEIGHTS, metadata=metadata)
        # safetensors makes it readable by its owner alone, and a service may run as somebody else.
        (folder / WEIGHTS).chmod(0o644)
        if self.report:
            (folder / REPORT).write_text(json.dumps(self.report, indent=1, sort_keys=True) + "\n")
        return load(folder)


def load(folder: Path) -> Artefact:
    """Reads an artefact; raises ArtefactError where its parts are missing or do not belong together."""
    missing = [name for name in (WEIGHTS, CONFIG, VOCABULARY) if not (folder / name).is_file()]
    if missing:
        raise ArtefactError(
            f"{folder} is not an artefact, it lacks {', '.join(missing)}: "
            "name a folder that `python -m training train` wrote"
        )
    try:
        return _read(folder)
    except (KeyError, TypeError, ValueError, safetensors.SafetensorError) as error:
        raise ArtefactError(
            f"{folder} is damaged ({type(error).__name__}: {error}): put the files back as they were, or train it again"
        ) from error


def _read(folder: Path) -> Artefact:
    config = tomllib.loads((folder / CONFIG).read_text("utf-8"))
    if config["pipe"] != PIPE:
        raise ArtefactError(
            f"{folder} was trained on text pipe {config['pipe']}, this code has pipe {PIPE}: train it again"
        )
    if config["family"] not in FAMILIES:
        raise ArtefactError(
            f"{folder} is of family {config['family']!r}, known are {', '.join(FAMILIES)}: upgrade, or train it again"
        )
    words = (folder / VOCABULARY).read_bytes()
    vocabulary = Vocabulary(words.decode().splitlines())
    return Artefact(
        task=config["task"],
        family=config["family"],
        labels=tuple(config["labels"]),
        sizes=config["sizes"],
        vocabulary=vocabulary,
        classifier=_classifier(folder, config, vocabulary, hashlib.sha256(words).hexdigest()),
        calibration=Calibration.from_config(config["calibration"]),
        thresholds=config["thresholds"],
        language=config["language"],
        digest=digest(folder),
        report=json.loads((folder / REPORT).read_text("utf-8")) if (folder / REPORT).is_file() else {},
    )


def digest(folder: Path) -> str:
    """sha256 over weights, config and vocabulary, each with its length before it: `sha256:…`."""
    whole = hashlib.sha256()
    for name in (WEIGHTS, CONFIG, VOCABULARY):
        data = (folder / name).read_bytes()
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return f"sha256:{whole.hexdigest()}"


def _classifier(folder: Path, config: dict[str, Any], vocabulary: Vocabulary, sha256: str) -> Classifier[Any]:
    with safetensors.safe_open(folder / WEIGHTS, framework="pt") as file:
        trained_with = (file.metadata() or {}).get("vocabulary_sha256")
        weights = {name: _loaded(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a dict
    classifier = build(config["family"], words=len(vocabulary), classes=len(config["labels"]), sizes=config["sizes"])
    mixed = "these files are of different models"
    for name, wanted in classifier.state_dict().items():
        got = weights.get(name)
        if got is None or got.shape != wanted.shape:
            raise ArtefactError(
                f"{folder}: the weights hold {name} as {'nothing' if got is None else list(got.shape)}, a vocabulary "
                f"of {len(vocabulary):,} words and the config ask for {list(wanted.shape)}: {mixed}"
            )
    if unknown := weights.keys() - classifier.state_dict().keys():
        raise ArtefactError(
            f"{folder}: the weights hold {sorted(unknown)}, which a {config['family']} does not have: {mixed}"
        )
    if trained_with != sha256:
        raise ArtefactError(
            f"{folder}: the weights were trained with the vocabulary of sha256 {trained_with}, "
            f"{VOCABULARY} has {sha256}: {mixed}"
        )
    classifier.load_state_dict(weights)
    return classifier.eval().requires_grad_(False)


def _loaded(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _stored(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.contiguous()
    return tensor.to(torch.float16 if tensor.numel() >= HALF_FROM else torch.float32).contiguous()
