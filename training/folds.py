"""Cross-validation: every text of a set is scored once, by a training that has not seen it.

documents, cut into N by their hash --outcomes, N trainings--> scores, pooled --figures--> a row per learner and cut

The cut, from which on a text is positive, is chosen in each fold on its own validation, never on what it is used on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from training import columns, sources
from training.baselines import baselines
from training.calibrate import RATES, most_accurate, thresholds
from training.datasets import SPAM
from training.documents import Document
from training.errors import DataError, RecipeError
from training.outcome import Hold, Outcome, outcomes, settled
from training.recipe import Recipe
from training.rows import Row
from training.score import Labels, Scores
from training.seeds import deviation
from training.splits import REPEATS, Splits, cut, split

BEST: Final = "most accurate"
COLUMNS: Final = {
    "row": "{}",
    "folds": "{}",
    "documents": "{:,}",
    "accuracy": "{:.2%}",
    "accuracy +-": "{:.2%}",
    "false positives": "{:,}",
    "of": "{:,}",
    "recall": "{:.2%}",
    "ROC AUC": "{:.4f}",
    "ROC AUC +-": "{:.4f}",
    "CPU seconds": "{:,.1f}",
}
"""`+-` is the standard deviation of one fold from another; all else is of the texts of all folds together."""


def folds(
    recipe: Recipe, number: int, data_dir: Path, folder: Path, device: torch.device, minutes: float = 0
) -> list[Row]:
    """Rows of the recipe and of what a user would pick instead, of the folds that are made so far.

    Only sets whose test is a share of their texts are cut; what is published as a test is left aside, unseen.
    """
    if number < 2:
        raise RecipeError(f"--folds {number}, wanted 2 or more: with fewer nothing is left to learn from")
    recipe = settled(recipe)
    if recipe.sets and not any(map(cut, recipe.sets)):
        raise RecipeError(f"sets = {list(recipe.sets)} have tests of their own and so no folds: `train` scores them")
    documents = sources.documents(recipe, data_dir)
    holds = [
        Hold(f"fold {fold + 1} of {number}", recipe, partial(_splits, recipe, documents, fold, number, data_dir))
        for fold in range(number)
    ]
    learners, data = baselines(recipe.labels, recipe.sets), sources.summaries(recipe, data_dir)
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes(holds, learners, data, folder, device, minutes):
        found.setdefault(outcome.learner, []).append(outcome)
    sets = dict.fromkeys(name for of in found.values() for name in of[0].tests)
    rules = (BEST, *RATES) if recipe.labels == SPAM else (BEST,)
    return [row(name, rule, of) for name in sets for rule in rules for of in found.values()]


def _splits(recipe: Recipe, documents: Sequence[Document], fold: int, number: int, data_dir: Path) -> Splits:
    found = split(documents, fold=fold, folds=number)
    tests = {name: of for name, of in found.tests.items() if not name.endswith(REPEATS) and cut(name)}
    return sources.complete(recipe, replace(found, tests=tests), data_dir)


def row(name: str, rule: str, found: Sequence[Outcome]) -> Row:
    """What a learner's folds say of one set."""
    tests = [outcome.tests[name] for outcome in found]
    called = [_called(rule, name, outcome) for outcome in found]
    labels, said = np.concatenate([test.labels for test in tests]), np.concatenate(called)
    told: Row = {"set": name, "cut": rule, "row": found[0].learner, "folds": len(found), "documents": len(labels)}
    told |= {"accuracy": float((said == labels).mean())}
    told["accuracy +-"] = deviation([float((c == t.labels).mean()) for c, t in zip(called, tests, strict=True)])
    if (positive := np.concatenate([test.last for test in tests])).shape[1] == 2:
        negative = labels == 0
        told |= {"false positives": int(said[negative].sum()), "of": int(negative.sum())}
        told["recall"] = float(said[~negative].mean())
        told["ROC AUC"] = float(roc_auc_score(labels, positive[:, 1]))
        told["ROC AUC +-"] = deviation([float(roc_auc_score(t.labels, t.last[:, 1])) for t in tests])
    return told | {"CPU seconds": sum(outcome.seconds for outcome in found)}


def _called(rule: str, name: str, outcome: Outcome) -> Labels:
    """The classes of the test's texts; of more than two the most probable, whatever the rule."""
    last = outcome.tests[name].last
    if last.shape[1] > 2:
        return last.argmax(axis=1)
    if name not in outcome.validation:
        raise DataError(f"{outcome.hold}: no text of {name} is in validation to choose a cut on: add texts to the set")
    chosen: Scores = outcome.validation[name]
    at = most_accurate(chosen) if rule == BEST else thresholds(chosen)[rule]
    return (last[:, 1] >= at).astype(np.int64)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """A table per set and rule of the cut, the most accurate row first."""
    for name, rule in dict.fromkeys((row["set"], row["cut"]) for row in rows):
        found = [row for row in rows if (row["set"], row["cut"]) == (name, rule)]
        told = "the most accurate one" if rule == BEST else f"at most {float(rule):.1%} false positives"
        yield f"\n{name}; cut chosen on the validation of each fold: {told}"
        yield from columns.lines(COLUMNS, sorted(found, key=lambda row: -row["accuracy"]))


def write(rows: Sequence[Row], folder: Path) -> None:
    """All rows as folds.csv."""
    columns.write(folder / "folds.csv", ["set", "cut", *COLUMNS], rows)
