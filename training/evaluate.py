"""The accuracies of artefacts on the tests of the sets that they learnt from, as a table.

artefacts, DATA_DIR --splits--> tests --Predictor.advance--> Scores --figures--> a line each
tests --rewriting--> what is called spam when it is disguised, or has a tell more or less
artefacts' reports ------------------------------------------------------------> the table's lines, as they tell it
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from models.artefact import REPORT, load
from models.predictor import Predictor
from models.shipped import PRETRAINED
from training import foreign, rewriting, sources
from training.datasets import SPAM
from training.documents import Document
from training.errors import TrainingError
from training.measure import recipe_of
from training.metrics import figures
from training.score import readable
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


def folders(named: Sequence[Path]) -> list[Path]:
    """Those that are named; those of all shipped artefacts where there are none."""
    found = list(named) or sorted(path.parent for path in PRETRAINED.glob("*/config.toml"))
    if not found:
        raise TrainingError(
            f"there is no artefact in {PRETRAINED}: name one, or train one with `python -m training train`"
        )
    return found


def evaluate(named: Sequence[Path], data_dir: Path, device: torch.device) -> Iterator[str]:
    """The lines of the table, each as soon as it is known; what is not English, where there is any, once more apart.
    After it, of spam, what becomes of rewritten documents."""
    yield from _head()
    rewritten: list[str] = []
    read: dict[Any, dict[str, list[Document]]] = {}
    for artefact in map(load, folders(named)):
        recipe = recipe_of(artefact)
        known = (recipe.sets, recipe.file, recipe.labels, recipe.fold)
        if known not in read:
            read[known] = split(sources.documents(recipe, data_dir), fold=recipe.fold).tests
        predictor = Predictor(artefact, device)
        tests = {name: readable(artefact, documents) for name, documents in read[known].items()}
        for name, documents in tests.items():
            found, rows = foreign.score(predictor, documents, name)
            yield _row(artefact.name, name, figures(found, artefact.thresholds))
            if apart := foreign.apart(name, found, rows):
                yield _row(artefact.name, name + foreign.APART, apart)
        if recipe.labels == SPAM:
            rewritten += _rewritten(artefact.name, rewriting.measured(predictor, tests))
    yield from rewritten


def told(named: Sequence[Path]) -> Iterator[str]:
    """The same table as the artefacts' reports tell it: nothing is scored."""
    yield from _head()
    for folder in folders(named):
        report = json.loads((folder / REPORT).read_text("utf-8"))
        order = [*report["recipe"]["sets"], *report["test"]]
        for name in sorted(report["test"], key=order.index):
            model = f"{report['task']}-{report['family']}"
            yield _row(model, name, report["test"][name])
            if apart := report.get("not_english", {}).get(name):
                yield _row(model, name + foreign.APART, apart)


def _head() -> Iterator[str]:
    yield _line(_HEADS)
    yield _line(["-" * len(head) for head in _HEADS])


def _row(model: str, test: str, entry: dict[str, Any]) -> str:
    cells = [model, test, f"{entry['documents']:,}", _percent(entry["accuracy"]), _number(entry["roc_auc"])]
    cells += [_number(entry["log_loss"]), _percent(entry.get("false_positive_rate")), _percent(entry.get("recall"))]
    calibration = entry.get("calibration_error", {}).get("end", {})
    return _line([*cells, _number(calibration.get("error"))])


def _rewritten(model: str, found: dict[str, Any]) -> Iterator[str]:
    heads = ("documents", "as it is", "rewritten", "to spam", "to ham")
    for kind in ("disguises", "tells"):
        yield f"\n{f'{model}, {kind}: called spam':42} label" + "".join(f"{head:>11}" for head in heads)
        for rule, label, count in rewriting.rows(found[kind]):
            shares = "".join(f"{count[when] / count['documents']:11.2%}" for when in ("before", "after"))
            turned = "".join(f"{count[to]:11,}" for to in ("to_spam", "to_ham"))
            yield f"{rule:42} {label:5}{count['documents']:11,}{shares}{turned}"


def _line(cells: Sequence[str]) -> str:
    left = f"{cells[0]:18}  {cells[1]:32}"
    return "  ".join(
        [left, *(f"{cell:>{max(9, len(head))}}" for cell, head in zip(cells[2:], _HEADS[2:], strict=True))]
    )


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
