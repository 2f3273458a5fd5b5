"""One training, from a recipe to a folder that the service can load.

recipe --splits--> documents --learn--> classifier, vocabulary --calibrate--> Artefact --measure--> report

The test documents are scored once, at the end, by the artefact as it was read back from disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from models.artefact import Artefact
from models.calibration import Calibration
from models.predictor import Predictor
from training import cache, calibrate, card, checkpoint, checks, cost, log, picture, sources, teacher
from training.learn import learn
from training.measure import measure
from training.recipe import Recipe
from training.report import teachers
from training.score import readable, score
from training.splits import Splits

CURVE = "learning_curve.png"


def train(
    recipe: Recipe,
    data_dir: Path,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    trial: bool = False,
    beside: bool = True,
) -> Artefact:
    """Trains, calibrates, scores and writes an artefact. A `trial` leaves the tests and baselines alone; without
    `beside` there are no baselines."""
    recipe = sources.settle(recipe)
    documents = sources.documents(recipe, data_dir)
    splits = sources.splits(recipe, documents, data_dir)
    checked = checks.check(documents, splits, recipe.labels, recipe.held_out, recipe.fold)
    print(*checks.lines(checked), sep="\n")
    taught = teachers(recipe)
    spared, before = cache.spared(splits, recipe), checkpoint.curve(folder) if resume else []
    teacher.prepare(recipe, splits, device)
    began = cost.now()
    artefact, curve = make(recipe, splits, folder, device, resume)
    spent = _whole_cost(cost.since(began), spared, before)
    log.write(curve, folder)
    picture.learning_curve(curve, folder / CURVE)
    report = measure(artefact, recipe, splits, data_dir, folder, device, trial, beside)
    report |= {"learning_curve": curve, "checks": checked, "teachers": taught, "spent": spent}
    artefact = replace(artefact, report=report).save(folder)
    if not trial:
        card.write(artefact.report, folder)
    (folder / checkpoint.FILE).unlink(missing_ok=True)
    return artefact


def make(
    recipe: Recipe, splits: Splits, folder: Path, device: torch.device, resume: bool = False
) -> tuple[Artefact, list[dict[str, float]]]:
    """An artefact in `folder`, without a report, that learnt from `splits.train` and was calibrated on
    `splits.validation`; and its learning curve."""
    classifier, vocabulary, curve = learn(recipe, splits, folder, device, resume)
    plain = Artefact(
        task=recipe.task,
        family=recipe.family,
        labels=recipe.labels,
        sizes=recipe.sizes,
        vocabulary=vocabulary,
        weights=classifier.weights(),
        calibration=Calibration.identity(len(recipe.labels)),
    ).save(folder)
    validation = score(Predictor(plain, device), readable(plain, splits.validation), "validation")
    calibration = calibrate.fit(validation.of(_calibrating(recipe, plain, splits)))
    thresholds = calibrate.thresholds(calibrate.apply(calibration, validation))
    return replace(plain, calibration=calibration, thresholds=thresholds).save(folder), curve


def _whole_cost(spent: dict[str, float], spared: float, before: Sequence[dict[str, float]]) -> dict[str, float]:
    """What it took from texts to a calibrated artefact: that of the epochs before a cut, too, and of cached tokens
    the processor time that they took when they were made; never a transformer's, see `teacher.prepare`."""
    of = {name: sum(entry[name] for entry in before) for name in ("cpu_seconds", "wall_seconds")}
    return spent | {
        "cpu_seconds": spent["cpu_seconds"] + of["cpu_seconds"] + spared,
        "wall_seconds": spent["wall_seconds"] + of["wall_seconds"],
        "peak_mb": max([spent["peak_mb"], *(entry["peak_mb"] for entry in before)]),
    }


def follow(recipe: Recipe, data_dir: Path, folder: Path, *, device: torch.device, resume: bool = False) -> None:
    """What the other processes of a group do: they learn beside the first one and leave the rest to it."""
    recipe = sources.settle(recipe)
    splits = sources.splits(recipe, sources.documents(recipe, data_dir), data_dir)
    teacher.prepare(recipe, splits, device)
    learn(recipe, splits, folder, device, resume)


def _calibrating(recipe: Recipe, artefact: Artefact, splits: Splits) -> list[int]:
    """Which of the validation documents that were scored say what a logit is worth."""
    sets = recipe.calibrated_on or recipe.sets
    return [i for i, d in enumerate(readable(artefact, splits.validation)) if not sets or d.set in sets]
