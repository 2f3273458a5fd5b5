"""What a model was made of, as plain values for its report.

splits, labels, installed packages, teachers --> report.json
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from models.artefact import load
from training.documents import Document
from training.recipe import LINEAR, TRANSFORMER, Recipe
from training.splits import Splits

_PACKAGES: Final = ("torch", "numpy", "scikit-learn", "scipy", "safetensors", "sentencex")


def splits(of: Splits, labels: Sequence[str]) -> dict[str, Any]:
    """Documents of each side, per label and per part."""
    sides = {"train": of.train, "validation": of.validation} | of.tests
    return {name: _counted(documents, labels) for name, documents in sides.items()}


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}


def teachers(recipe: Recipe) -> dict[str, str]:
    """The digest of each artefact whose beliefs are learnt, by its folder."""
    return {name: load(Path(name)).digest for name in recipe.teacher if name not in (LINEAR, TRANSFORMER)}


def _counted(documents: Sequence[Document], labels: Sequence[str]) -> dict[str, Any]:
    parts = Counter(document.group for document in documents)
    of = {label: sum(d.label == number for d in documents) for number, label in enumerate(labels)}
    return {"documents": len(documents), "labels": of, "parts": dict(parts)}
