"""What a model was made of, as plain values for its report.

recipe, splits, DATA_DIR, installed packages --> report.json
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from training.datasets import SETS, summary
from training.documents import Document
from training.recipe import Recipe
from training.splits import Splits

_PACKAGES: Final = ("torch", "numpy", "scikit-learn", "scipy", "safetensors", "sentencex")


def data(recipe: Recipe, data_dir: Path) -> dict[str, Any]:
    """Rows, sha256 of the file and fingerprint of the content, per file of the sets of the recipe."""
    return {
        f"{name}/{file}": summary(path, SETS[name])
        for name in recipe.sets
        for file, path in zip(SETS[name].files, SETS[name].paths(data_dir), strict=True)
    }


def splits(of: Splits) -> dict[str, Any]:
    """Documents and positives of each side."""
    sides = {"train": of.train, "validation": of.validation} | of.tests
    return {name: _counted(documents) for name, documents in sides.items()}


def versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}


def _counted(documents: Sequence[Document]) -> dict[str, Any]:
    parts = Counter(document.group for document in documents)
    return {"documents": len(documents), "positives": sum(d.label == 1 for d in documents), "parts": dict(parts)}
