"""What a classifier learns from documents: its weights, and those of a linear path beside it.

documents --cache--> examples --loop.fit, or scikit-learn at once--> weights        teacher --beliefs--> more examples
          --linear path, afterwards: wide.fit--> table
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.bow import Bag
from models.families import build
from models.forest import RandomForest
from models.vocabulary import Vocabulary
from models.wide import Wide
from training import bag, cost, forest, loop, parallel, teacher, wide
from training.augment import dress
from training.cache import tokenised
from training.corpus import Example, met
from training.documents import Document
from training.errors import DataError
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
        train, validation = (
            _short(side, most, name) for side, name in ((train, "training"), (validation, "validation"))
        )
    inner = classifier.inner if isinstance(classifier, Wide) else classifier
    if isinstance(inner, Bag):
        curve = [_at_once(inner, met(whole, np.random.default_rng(recipe.seed)), unseen, recipe)]
    else:
        curve = loop.fit(inner, train, validation, recipe, device=device, folder=folder, resume=resume, pieces=put_on)
    if isinstance(classifier, Wide) and parallel.rank() == 0:
        tried = wide.linear(classifier.cpu(), whole, recipe.linear)
        print("wide path:", wide.fit(classifier, tried, unseen))
    return classifier.eval(), Vocabulary(vocabulary.words), curve


def _short(data: Sequence[Example], most: int, side: str) -> list[Example]:
    """Those that there is room for; raises DataError where there are none."""
    if not (found := [e for e in data if len(e.ids) <= most]):
        shortest = min(len(e.ids) for e in data)
        raise DataError(
            f"{side}: each of its {len(data):,} documents has more than max_tokens = {most:,} words, the shortest "
            f"{shortest:,}: set sizes.max_tokens to what most of them have"
        )
    return found


def _whole(data: Sequence[Example], documents: Sequence[Document]) -> list[Example]:
    """For what learns a document's label, whatever targets its sentences have."""
    return [e._replace(targets=np.full(len(e.lengths), d.label)) for e, d in zip(data, documents, strict=True)]


def _dressed(whole: Sequence[Example], pieces: Pieces, recipe: Recipe) -> list[Example]:
    """The documents once more, for what sees no epochs."""
    chance = np.random.default_rng([recipe.seed, recipe.epochs])  # which no epoch draws from
    return [dress(e, pieces, 1.0, chance) for e in whole]


def _at_once(
    classifier: Any, train: Sequence[Example], validation: Sequence[Example], recipe: Recipe
) -> dict[str, float]:
    """Fits what scikit-learn fits to whole documents, and gives back the only entry of its learning curve."""
    began = cost.now()
    if isinstance(classifier, RandomForest):
        forest.fit(classifier, train, recipe.seed)
    else:
        bag.fit(classifier, train, validation)
    cpu = torch.device("cpu")
    learnt = loop.evaluate(classifier, train, recipe, cpu)["validation_loss"]
    entry = {"epoch": 1.0, "train_loss": learnt} | loop.evaluate(classifier, validation, recipe, cpu)
    return entry | cost.since(began)
