"""Leave one set out: what a recipe makes of a corpus that it has never seen, beside a bag of words.

documents of all sets but one --train.make--> Artefact --score--> the set left out --paired bootstrap--> Cell, a line
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from models.predictor import Predictor
from training import sources
from training.baselines import linear
from training.documents import Document, key
from training.recipe import Recipe
from training.score import Floats, Labels, Scores, score
from training.splits import Splits, split
from training.train import make

RATE: Final = 0.005
"""The false-positive rate at which recalls are compared, where there are `NEGATIVES` to tell it from."""
NEGATIVES: Final = 2000
DRAWS: Final = 1000
HEADS: Final = ("left out", "documents", "ROC AUC", "bag of words", "difference, 95 %", "recall", "bag of words")


def leave_out(recipe: Recipe, data_dir: Path, folder: Path, device: torch.device) -> Iterator[tuple[str, ...]]:
    """A row of the table for each set of the recipe, as soon as it is known; its artefact is left in `folder`.

    Recalls are at a false-positive rate of 0.5 %, which is chosen on the set itself, for both.
    """
    yield HEADS
    documents = sources.documents(recipe, data_dir)
    for name in recipe.sets:
        splits = without(recipe, documents, name, data_dir)
        artefact, _ = make(recipe, splits, folder / name, device)
        ours = score(Predictor(artefact, device), splits.tests[name], name)
        theirs = linear(1, [d for d in splits.train if d.set in recipe.sets], splits.validation)(splits.tests[name])
        yield row(name, ours, theirs)


def without(recipe: Recipe, documents: list[Document], name: str, data_dir: Path) -> Splits:
    """All of one set is the test, the others train and choose, less their own tests and what the one set has too."""
    left = [document for document in documents if document.set == name]
    unseen = split(left, {document.group for document in left}).validation
    taken = {key(document.text) for document in unseen}
    rest = [document for document in documents if document.set != name and key(document.text) not in taken]
    return replace(sources.splits(recipe, rest, data_dir), tests={name: unseen})


def row(name: str, ours: Scores, theirs: Scores) -> tuple[str, ...]:
    areas = [float(roc_auc_score(ours.labels, of.last[:, 1])) for of in (ours, theirs)]
    low, high = difference(ours.labels, ours.last[:, 1], theirs.last[:, 1])
    cells = [f"{len(ours.labels):,}", *(f"{area:.4f}" for area in areas), f"{low:+.4f} to {high:+.4f}"]
    if np.count_nonzero(ours.labels == 0) >= NEGATIVES:
        return (name, *cells, *(f"{recall(of.labels, of.last[:, 1]):.2%}" for of in (ours, theirs)))
    return (name, *cells, "", "")


def recall(labels: Labels, positive: Floats) -> float:
    """The highest recall at a false-positive rate of at most `RATE`."""
    rates, recalls, _ = roc_curve(labels, positive, drop_intermediate=False)
    return float(recalls[rates <= RATE].max())


def difference(labels: Labels, ours: Floats, theirs: Floats) -> tuple[float, float]:
    """The 95 % interval of the difference of the two ROC AUC, by a bootstrap over documents, the same for both."""
    chance = np.random.default_rng(1)
    found: list[Any] = []
    while len(found) < DRAWS:
        drawn = chance.integers(0, len(labels), len(labels))
        if 0 < labels[drawn].sum() < len(drawn):
            one, other = (roc_auc_score(labels[drawn], of[drawn]) for of in (ours, theirs))
            found.append(one - other)
    low, high = np.quantile(found, (0.025, 0.975))
    return float(low), float(high)
