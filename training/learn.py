"""What a classifier learns from documents: its weights, and those of a linear path beside it.

documents --cache--> examples --loop.fit--> weights        teacher --beliefs--> more examples
          --linear path, afterwards: wide.fit--> table
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.families import build
from models.forest import RandomForest
from models.vocabulary import Vocabulary
from models.wide import Wide
from training import cost, forest, loop, parallel, teacher, wide
from training.augment import dress
from training.cache import tokenised
from training.corpus import Example, met
from training.documents import Document
from training.pieces import Pieces, pieces
from training.recipe import LINEAR, Recipe
from training.splits import Splits
from training.teacher import Opinion


def learn(
    recipe: Recipe, splits: Splits, folder: Path, device: torch.device, resume: bool
) -> tuple[Any, Vocabulary, list[dict[str, float]]]:
    """The classifier with its best weights, its vocabulary and the learning curve."""
    vocabulary, once, validation, without = tokenised(splits, recipe)
    train = [
        e._replace(often=recipe.repeat.get(d.set, 1.0), dressy=d.set in (recipe.few_writers or [d.set]))
        for e, d in zip(once, splits.train, strict=True)
    ]
    torch.manual_seed(recipe.seed)
    classifier = build(recipe.family, words=len(vocabulary), classes=len(recipe.labels), sizes=recipe.sizes)
    classifier.prepare(vocabulary)
    whole, unseen = _whole(train, splits.train), _whole(validation, splits.validation)
    put_on = pieces(vocabulary, recipe.seed) if recipe.dress else None
    if put_on:
        whole += _dressed(whole, put_on, recipe)
    of_path: Opinion | None = None
    if LINEAR in recipe.teacher and isinstance(classifier, Wide):
        of_path = teacher.linear(classifier, wide.linear(classifier, whole, recipe.linear), unseen, without)
    if recipe.teacher:
        taught = teacher.believed(without, teacher.beliefs(recipe, splits, of_path, device))
        train, whole = train + taught, whole + taught
    if (most := classifier.most_tokens) is not None:
        train, validation = ([e for e in side if len(e.ids) <= most] for side in (train, validation))
    inner = classifier.inner if isinstance(classifier, Wide) else classifier
    curve = _learn(inner, train, validation, recipe, put_on, folder, device, resume)
    if isinstance(classifier, Wide) and parallel.rank() == 0:
        tried = wide.linear(classifier.cpu(), whole, recipe.linear)
        print("wide path:", wide.fit(classifier, tried, unseen))
    return classifier.eval(), Vocabulary(vocabulary.words), curve


def _whole(data: Sequence[Example], documents: Sequence[Document]) -> list[Example]:
    """For the linear path, which learns a document's label, whatever targets its sentences have."""
    return [e._replace(targets=np.full(len(e.lengths), d.label)) for e, d in zip(data, documents, strict=True)]


def _dressed(whole: Sequence[Example], pieces: Pieces, recipe: Recipe) -> list[Example]:
    """The documents once more, for the linear path, which sees no epochs."""
    chance = np.random.default_rng([recipe.seed, recipe.epochs])  # which no epoch draws from
    return [dress(e, pieces, 1.0, chance) for e in whole]


def _learn(
    classifier: Any,
    train: Sequence[Example],
    validation: Sequence[Example],
    recipe: Recipe,
    put_on: Pieces | None,
    folder: Path,
    device: torch.device,
    resume: bool,
) -> list[dict[str, float]]:
    """Puts the best weights into the classifier, and gives back the learning curve."""
    if not isinstance(classifier, RandomForest):
        return loop.fit(
            classifier, train, validation, recipe, device=device, folder=folder, resume=resume, pieces=put_on
        )
    began = cost.now()
    forest.fit(classifier, met(train, np.random.default_rng(recipe.seed)), recipe.seed)
    cpu = torch.device("cpu")
    learnt = loop.evaluate(classifier, train, recipe, cpu)["validation_loss"]
    entry = {"epoch": 1.0, "train_loss": learnt} | loop.evaluate(classifier, validation, recipe, cpu)
    return [entry | cost.since(began)]
