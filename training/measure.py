"""The report of an artefact: what it was made of and what it is worth, beside what a user would pick instead.

Artefact, Splits --Predictor--> Scores --figures--> validation, test
Splits --baselines--> Scores --------------------> baselines            all of it plain values, for report.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from models import reference
from models.artefact import CONFIG, VOCABULARY, WEIGHTS, Artefact, load
from models.predictor import Predictor
from training import beyond, card, foreign, report, rewriting, sources
from training.baselines import STREAMING, baselines
from training.datasets import SPAM
from training.documents import Document
from training.earliness import earliness
from training.errors import RecipeError
from training.metrics import figures, summary
from training.recipe import Recipe, from_dict
from training.rows import Row
from training.score import Scores, advances, readable, scores
from training.splits import Splits


def measure(
    artefact: Artefact,
    recipe: Recipe,
    splits: Splits,
    data_dir: Path,
    folder: Path,
    device: torch.device,
    trial: bool = False,
    beside: bool = True,
) -> dict[str, Any]:
    """A `trial` leaves the tests and the baselines alone, and without `beside` there are only no baselines, nor is
    anything rewritten.

    Documents that the model has no room for are not scored; `refused` is their share of each side.
    """
    predictor = Predictor(artefact, device)
    sides = {"validation": splits.validation} | ({} if trial else splits.tests)
    tests = {name: readable(artefact, documents) for name, documents in sides.items()}
    refused = {name: 1 - len(found) / len(sides[name]) for name, found in tests.items() if sides[name]}
    validation = tests.pop("validation")
    rows: dict[str, list[int]] = {}
    for i, document in enumerate(validation):
        rows.setdefault(document.set, []).append(i)
    known = list(advances(predictor, validation, "validation"))
    scored = scores(validation, known)
    tested = {name: foreign.score(predictor, found, name) for name, found in tests.items()}
    return {
        "task": recipe.task,
        "family": recipe.family,
        "labels": list(recipe.labels),
        "digest": artefact.digest,
        "seed": recipe.seed,
        "recipe": json.loads(json.dumps(recipe.to_dict())),
        "versions": report.versions(),
        "sizes": _sizes(predictor, folder),
        "data": sources.summaries(recipe, data_dir),
        "splits": report.splits(splits, recipe.labels),
        "validation": figures(scored, artefact.thresholds),
        "validation_by_set": {name: figures(scored.of(of), artefact.thresholds) for name, of in rows.items()},
        "reference": reference.measured(advance for _, advance in known),
        "test": {name: figures(found, artefact.thresholds) for name, (found, _) in tested.items()},
        "not_english": {name: found for name, of in tested.items() if (found := foreign.apart(name, *of))},
        "rewritten": rewriting.measured(predictor, tests) if recipe.labels == SPAM and tests and beside else {},
        "baselines": _baselines(splits, tests, recipe) if tests and beside else {},
        "refused": {name: share for name, share in refused.items() if share},
    }


def again(artefact: Artefact, data_dir: Path, folder: Path, device: torch.device) -> Artefact:
    """Measures an artefact anew, as its own recipe splits the data, and writes its report and its card."""
    recipe = recipe_of(artefact)
    splits = sources.splits(recipe, sources.documents(recipe, data_dir), data_dir)
    found = artefact.report | measure(artefact, recipe, splits, data_dir, folder, device)
    artefact = replace(artefact, report=found).save(folder)
    card.write(artefact.report, folder)
    return artefact


def refer(artefact: Artefact, data_dir: Path, folder: Path, device: torch.device) -> Artefact:
    """Measures anew what an artefact met on its validation split, and nothing else, and writes its report."""
    recipe = recipe_of(artefact)
    splits = sources.splits(recipe, sources.documents(recipe, data_dir), data_dir)
    known = advances(Predictor(artefact, device), readable(artefact, splits.validation), artefact.name)
    found = {"reference": reference.measured(advance for _, advance in known)}
    artefact = replace(artefact, report=artefact.report | found)
    artefact.save_report(folder)
    return artefact


def note(folder: Path, name: str, command: str, shown: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Writes what a command found of the recipe that made an artefact into its report and its card."""
    artefact = load(folder)
    artefact = replace(artefact, report=beyond.told(artefact.report, name, command, shown, rows))
    artefact.save_report(folder)
    card.write(artefact.report, folder)


def recipe_of(artefact: Artefact) -> Recipe:
    """What an artefact was made by, which its report knows; raises RecipeError where it has none."""
    if "recipe" not in artefact.report:
        raise RecipeError(f"{artefact.name} has no report, so nobody knows what it learnt from: train it again")
    return from_dict(artefact.report["recipe"])


def _sizes(predictor: Predictor, folder: Path) -> dict[str, int]:
    return {
        "parameters": sum(p.numel() for p in predictor.artefact.classifier.parameters()),
        "words": len(predictor.artefact.vocabulary),
        "state_bytes": predictor.state_bytes,
        "bytes": sum((folder / name).stat().st_size for name in (WEIGHTS, CONFIG, VOCABULARY)),
    }


def _baselines(splits: Splits, tests: dict[str, list[Document]], recipe: Recipe) -> dict[str, Any]:
    """Per baseline the figures of each test; None where it is not installed."""
    found: dict[str, Any] = {}
    for name, learn in baselines(recipe.labels, recipe.sets).items():
        classify = learn(splits.train, splits.validation)
        found[name] = classify and {test: _figures(name, classify(of)) for test, of in tests.items()}
    return found


def _figures(name: str, scores: Scores) -> dict[str, Any]:
    streaming = {"earliness": earliness(scores)} if name == STREAMING else {}
    return summary(scores.labels, scores.last) | streaming
