"""What a recipe gives with one seed and another: how much of a figure is chance.

recipe, a seed each --train--> report.json --validation, tests--> a line each: mean, deviation

A seed whose artefact is there already, in the output folder or shipped, is not trained again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any, Final

import torch

from models.artefact import REPORT
from models.shipped import PRETRAINED
from training import checkpoint, sources
from training.recipe import Recipe, from_dict
from training.train import train

HEADS: Final = ("scored on", "documents", "accuracy", "+-", "lowest", "highest", "ROC AUC", "+-", "calib. error", "+-")
Report = dict[str, Any]


def seeds(recipe: Recipe, numbers: Sequence[int], data_dir: Path, folder: Path, device: torch.device) -> list[Report]:
    """The report of each seed; artefacts go to `folder/seed-N`."""
    found = []
    for number in numbers:
        chosen = sources.settle(replace(recipe, seed=number))
        own = folder / f"seed-{number}"
        report = next(filter(None, (_report(path, chosen) for path in (own, PRETRAINED / recipe.name))), None)
        if report is None:
            resume = checkpoint.fits(own, chosen)
            report = train(chosen, data_dir, own, device=device, resume=resume, beside=False).report
        found.append(report)
    return found


def lines(reports: Sequence[Report]) -> Iterator[tuple[str, ...]]:
    """The table's rows; validation, which picks, comes first."""
    yield HEADS
    sides = [report["validation_by_set"] | {"all": report["validation"]} for report in reports]
    for name in sides[0]:
        yield _row(f"validation, {name}", [side[name] for side in sides])
    for name in reports[0]["test"]:
        yield _row(name, [report["test"][name] for report in reports])


def _report(folder: Path, recipe: Recipe) -> Report | None:
    """That of an artefact which this recipe has made, if there is one, and if its tests were scored."""
    path = folder / REPORT
    report: Report = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return report if report.get("test") and from_dict(report["recipe"]) == recipe else None


def _row(name: str, entries: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    accuracies = [entry["accuracy"] for entry in entries]
    areas = [entry["roc_auc"] for entry in entries if entry["roc_auc"] is not None]
    errors = [entry["calibration_error"]["end"]["error"] for entry in entries]
    cells = [f"{entries[0]['documents']:,}", f"{mean(accuracies):.2%}", _deviation(accuracies, ".2%")]
    cells += [f"{min(accuracies):.2%}", f"{max(accuracies):.2%}"]
    cells += [f"{mean(areas):.4f}", _deviation(areas, ".4f")] if areas else ["", ""]
    return (name, *cells, f"{mean(errors):.4f}", _deviation(errors, ".4f"))


def _deviation(values: Sequence[float], form: str) -> str:
    return format(stdev(values), form) if len(values) > 1 else ""
