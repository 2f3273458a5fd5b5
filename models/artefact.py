"""A trained model on disk: everything that determines its outputs, and nothing that can run.

<task>-<family>/  weights.safetensors  config.toml  vocabulary.txt    -> digest, the model's identity
                  report.json  CARD.md                                figures, read by people and /v1/models
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import safetensors
import safetensors.numpy
import tomli_w
from numpy.typing import NDArray

from models.arrays.build import build
from models.arrays.network import Network
from models.calibration import Calibration
from models.errors import ArtefactError
from models.vocabulary import Vocabulary

if TYPE_CHECKING:
    from models.contract import Classifier

PIPE: Final = 2
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
    """A loaded model. `sizes` are what `families.build` takes: numbers and names; `weights` are by the names that the
    torch classifier has for them, and float32 if they are floats."""

    task: str
    family: str
    labels: tuple[str, ...]
    sizes: dict[str, Any]
    vocabulary: Vocabulary
    weights: Mapping[str, NDArray[Any]]
    calibration: Calibration
    thresholds: dict[str, float] = field(default_factory=dict)
    language: str = "en"
    digest: str = ""
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.task}-{self.family}"

    @cached_property
    def network(self) -> Network | None:
        """The classifier in NumPy; None where its family, or one of its sizes, is not among those of models/arrays."""
        return build(
            self.family, words=len(self.vocabulary), classes=len(self.labels), sizes=self.sizes, arrays=self.weights
        )

    @cached_property
    def classifier(self) -> Classifier[Any]:
        """The classifier in torch, which is not imported before; raises ValueError where weights and sizes do not
        belong together."""
        from models import families

        return families.restore(
            self.family, words=len(self.vocabulary), classes=len(self.labels), sizes=self.sizes, weights=self.weights
        )

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
        stored = {name: _stored(array) for name, array in self.weights.items()}
        metadata = {"vocabulary_sha256": hashlib.sha256(vocabulary).hexdigest()}
        safetensors.numpy.save_file(stored, folder / WEIGHTS, metadata=metadata)
        # safetensors makes it readable by its owner alone, and a service may run as somebody else.
        (folder / WEIGHTS).chmod(0o644)
        if self.report:
            self.save_report(folder)
        return load(folder)

    def save_report(self, folder: Path) -> None:
        """Writes the report alone, which is no part of the digest."""
        (folder / REPORT).write_text(json.dumps(self.report, indent=1, sort_keys=True) + "\n")


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
    words = (folder / VOCABULARY).read_bytes()
    weights, trained_with = _weights(folder)
    artefact = Artefact(
        task=config["task"],
        family=config["family"],
        labels=tuple(config["labels"]),
        sizes=config["sizes"],
        vocabulary=Vocabulary(words.decode().splitlines()),
        weights=weights,
        calibration=Calibration.from_config(config["calibration"]),
        thresholds=config["thresholds"],
        language=config["language"],
        digest=digest(folder),
        report=json.loads((folder / REPORT).read_text("utf-8")) if (folder / REPORT).is_file() else {},
    )
    if artefact.network is None:
        artefact.classifier  # noqa: B018 - refuses what does not belong together
    if trained_with != (sha256 := hashlib.sha256(words).hexdigest()):
        raise ValueError(
            f"the weights were trained with the vocabulary of sha256 {trained_with}, {VOCABULARY} has {sha256}"
        )
    return artefact


def digest(folder: Path) -> str:
    """sha256 over weights, config and vocabulary, each with its length before it: `sha256:…`."""
    whole = hashlib.sha256()
    for name in (WEIGHTS, CONFIG, VOCABULARY):
        data = (folder / name).read_bytes()
        whole.update(len(data).to_bytes(8, "big"))
        whole.update(data)
    return f"sha256:{whole.hexdigest()}"


def _weights(folder: Path) -> tuple[dict[str, NDArray[Any]], str | None]:
    """The weights, and the sha256 of the vocabulary that they were trained with."""
    with safetensors.safe_open(folder / WEIGHTS, framework="numpy") as file:
        weights = {name: _loaded(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 - not a dict
        return weights, (file.metadata() or {}).get("vocabulary_sha256")


def _loaded(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _stored(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "f":
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array, np.float16 if array.size >= HALF_FROM else np.float32)
