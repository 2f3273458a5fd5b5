"""Tokenised data on disk: cutting and looking up 25,000 reviews takes longer than some models take to learn them.

documents, vocabulary settings, text pipe --sha256--> <user's cache>/undertone/tokens/<key>.safetensors
    --load, or tokenise and save--> Tokenised(vocabulary, train, validation, unlabelled)    --spared--> seconds
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import safetensors
import safetensors.numpy

import models
from models.vocabulary import Vocabulary
from training import corpus, cost
from training.corpus import Example, examples, sentences
from training.draft import draft
from training.recipe import Recipe
from training.splits import Splits

KEPT: Final = 16
"""Files that stay; of more the oldest go."""
_FORM: Final = 3
"""Raised whenever a file holds something else than before."""


class Tokenised(NamedTuple):
    """One Example per document of each side, and the vocabulary that was fitted on the first."""

    vocabulary: Vocabulary
    train: list[Example]
    validation: list[Example]
    unlabelled: list[Example]


def folder(name: str) -> Path:
    """Where the user's cache keeps what can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "undertone" / name


def tokenised(splits: Splits, recipe: Recipe) -> Tokenised:
    """From the cache where it has the same documents, settings and code; a damaged file is made again."""
    path = _path(splits, recipe)
    try:
        found = _load(path)
        path.touch()
        return found
    except (OSError, safetensors.SafetensorError):
        pass
    began = cost.now()
    cut = sentences(splits.train)
    vocabulary = corpus.vocabulary(splits.train, cut, recipe.words, recipe.few_writers)
    train = examples(splits.train, cut, vocabulary, recipe.most_sentences)
    without = examples(splits.unlabelled, sentences(splits.unlabelled), vocabulary, recipe.most_sentences)
    found = Tokenised(vocabulary, train, examples(splits.validation, sentences(splits.validation), vocabulary), without)
    _save(found, path, cost.since(began)["cpu_seconds"])
    return found


def spared(splits: Splits, recipe: Recipe) -> float:
    """The seconds of processor time that the cache spares whoever asks it for these tokens now."""
    try:
        with safetensors.safe_open(_path(splits, recipe), framework="np") as file:
            return float(file.metadata()["cpu_seconds"])
    except (OSError, safetensors.SafetensorError):
        return 0.0


def _path(splits: Splits, recipe: Recipe) -> Path:
    return folder("tokens") / f"{_key(splits, recipe)}.safetensors"


def _key(splits: Splits, recipe: Recipe) -> str:
    """All that the tokens depend on: the code of models/ too, so that no stale token outlives a change of the pipe."""
    whole = hashlib.sha256(repr((_FORM, recipe.words, recipe.few_writers, recipe.most_sentences)).encode())
    for source in sorted(Path(models.__file__).parent.glob("*.py")):
        whole.update(source.read_bytes())
    for side in (splits.train, splits.validation, splits.unlabelled):
        for d in side:
            whole.update(repr((d.text, d.label, d.set, d.targets)).encode())
        whole.update(b"side")
    return whole.hexdigest()


def _save(found: Tokenised, path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = found.vocabulary
    tensors = {"document_frequency": np.array(vocabulary.document_frequency, dtype=np.int64)}
    for name, side in zip(Tokenised._fields[1:], found[1:], strict=True):
        tensors[f"{name}.documents"] = np.array([[len(e.ids), len(e.lengths)] for e in side], np.int64).reshape(-1, 2)
        for part in ("ids", "lengths", "targets"):
            arrays = [getattr(e, part) for e in side]
            tensors[f"{name}.{part}"] = np.concatenate(arrays) if arrays else np.empty(0, np.int64)
    metadata = {
        "words": json.dumps(vocabulary.words),
        "documents": str(vocabulary.documents),
        "cpu_seconds": str(seconds),
    }
    with draft(path) as part_path:
        safetensors.numpy.save_file(tensors, part_path, metadata=metadata)
    for old in sorted(path.parent.glob("*.safetensors"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)


def _load(path: Path) -> Tokenised:
    with safetensors.safe_open(path, framework="np") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    frequency = tensors["document_frequency"].tolist()
    vocabulary = Vocabulary(json.loads(metadata["words"]), frequency, int(metadata["documents"]))
    return Tokenised(vocabulary, *(_side(tensors, name) for name in Tokenised._fields[1:]))


def _side(tensors: dict[str, np.ndarray], name: str) -> list[Example]:
    words, steps = tensors[f"{name}.documents"].T

    def pieces(part: str, lengths: np.ndarray) -> Sequence[np.ndarray]:
        return np.split(tensors[f"{name}.{part}"], lengths.cumsum()[:-1]) if len(lengths) else []

    rows = zip(pieces("ids", words), pieces("lengths", steps), pieces("targets", steps), strict=True)
    return [Example(*row) for row in rows]
