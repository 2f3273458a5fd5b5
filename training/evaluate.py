"""The accuracies of artefacts on the tests of the sets that they learnt from, as a table.

artefacts, DATA_DIR --splits--> tests --Predictor.advance--> Scores --figures--> a line each
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from models.artefact import Artefact, load
from models.predictor import Predictor
from models.shipped import PRETRAINED
from training import table
from training.datasets import SETS
from training.documents import Document
from training.errors import TrainingError
from training.metrics import figures
from training.score import score
from training.splits import split

_HEADS: Final = (
    "model",
    "test",
    "documents",
    "accuracy",
    "ROC AUC",
    "log loss",
    "false pos.",
    "recall",
    "calib. error",
)


def artefacts(folders: Sequence[Path]) -> list[Artefact]:
    """The artefacts in `folders`; all that are shipped where there are none."""
    found = list(folders) or sorted(path.parent for path in PRETRAINED.glob("*/config.toml"))
    if not found:
        raise TrainingError(
            f"there is no artefact in {PRETRAINED}: name one, or train one with `python -m training train`"
        )
    return [load(folder) for folder in found]


def evaluate(folders: Sequence[Path], data_dir: Path, device: torch.device) -> Iterator[str]:
    """The lines of the table, each as soon as it is known."""
    yield _line(_HEADS)
    yield _line(["-" * len(head) for head in _HEADS])
    read: dict[tuple[str, ...], dict[str, list[Document]]] = {}
    for artefact in artefacts(folders):
        own = artefact.report.get("recipe", {}).get("file")
        names = (own, *artefact.labels) if own else _sets(artefact)
        if names not in read and own:
            read[names] = split(table.read(Path(own), artefact.labels, artefact.language)).tests
        elif names not in read:
            read[names] = split(d for name in names for d in SETS[name].read(data_dir)).tests
        predictor = Predictor(artefact, device)
        for name, documents in read[names].items():
            yield _row(artefact.name, name, figures(score(predictor, documents, name), artefact.thresholds))


def _sets(artefact: Artefact) -> tuple[str, ...]:
    """The sets that an artefact learnt from, as its report says; else all that have its labels."""
    recipe = artefact.report.get("recipe", {})
    return tuple(recipe.get("sets") or [s.name for s in SETS.values() if s.labels == artefact.labels])


def _row(model: str, test: str, entry: dict[str, Any]) -> str:
    cells = [model, test, f"{entry['documents']:,}", _percent(entry["accuracy"]), _number(entry["roc_auc"])]
    cells += [_number(entry["log_loss"]), _percent(entry.get("false_positive_rate")), _percent(entry.get("recall"))]
    return _line([*cells, _number(entry["calibration_error"]["end"]["error"])])


def _line(cells: Sequence[str]) -> str:
    left = f"{cells[0]:18}  {cells[1]:32}"
    return "  ".join(
        [left, *(f"{cell:>{max(9, len(head))}}" for cell, head in zip(cells[2:], _HEADS[2:], strict=True))]
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
