"""What a recipe gives with one seed and another: how much of a figure is chance.

recipe, a seed each --train--> report.json --validation, tests--> a row each: mean, deviation

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
from training.rows import Row
from training.train import train

COLUMNS: Final = {
    "scored on": "{}",
    "documents": "{:,}",
    "accuracy": "{:.2%}",
    "accuracy +-": "{:.2%}",
    "lowest": "{:.2%}",
    "highest": "{:.2%}",
    "ROC AUC": "{:.4f}",
    "ROC AUC +-": "{:.4f}",
    "calib. error": "{:.4f}",
    "calib. error +-": "{:.4f}",
}
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


def rows(reports: Sequence[Report]) -> Iterator[Row]:
    """Validation, which picks, comes first."""
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


def _row(name: str, entries: Sequence[dict[str, Any]]) -> Row:
    accuracies = [entry["accuracy"] for entry in entries]
    told: Row = {"scored on": name, "documents": entries[0]["documents"]} | _spread("accuracy", accuracies)
    told |= {"lowest": min(accuracies), "highest": max(accuracies)}
    if areas := [entry["roc_auc"] for entry in entries if entry["roc_auc"] is not None]:
        told |= _spread("ROC AUC", areas)
    return told | _spread("calib. error", [entry["calibration_error"]["end"]["error"] for entry in entries])


def _spread(name: str, values: Sequence[float]) -> Row:
    return {name: mean(values), f"{name} +-": deviation(values)}


def deviation(values: Sequence[float]) -> float | None:
    """The standard deviation of one from another; of a single one there is none."""
    return stdev(values) if len(values) > 1 else None
