"""What somebody else makes of texts that nobody has labelled, for a classifier to learn from beside those with a label.

unlabelled documents --artefacts, the linear path, a transformer--> logits --a regression--> the same, with `beliefs`

A recurrence overfits a set of twenty thousand documents within an epoch or two, and a linear model of words and pairs
hardly does. What the linear one believes of fifty thousand more is right nine times of ten, and not the same each
time: learning from it, the recurrence comes to err less, and still differently (self-training with another model's
labels: Blum and Mitchell 1998; with probabilities instead of labels: Hinton et al. 2015). Several that err differently
are a better teacher than each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from models.artefact import load
from models.predictor import Predictor
from models.wide import Wide
from training import wide
from training.corpus import Example, classes
from training.documents import Document
from training.errors import RecipeError
from training.recipe import LINEAR, TRANSFORMER, Recipe
from training.score import Floats, Labels, score
from training.splits import Splits
from training.wide import Tried

TINY: Final = 1e-9
"""The least probability of which a logarithm is taken."""


class Opinion(NamedTuple):
    """Logits `[N, ·]` of validation documents and of those without a label, on a scale of the teacher's own."""

    validation: Floats
    unlabelled: Floats

    def of(self, rows: Sequence[int]) -> Opinion:
        """Only these documents of validation."""
        return self._replace(validation=self.validation[list(rows)])


def artefact(folder: Path, labels: Sequence[str], sides: Sequence[Sequence[Document]], device: torch.device) -> Opinion:
    """By the log-probabilities of an artefact after the last sentence of each document."""
    teacher = load(folder)
    if teacher.labels != tuple(labels):
        raise RecipeError(
            f"teacher = {str(folder)!r} tells {', '.join(teacher.labels)}, wanted {', '.join(labels)}: "
            "name one of this task"
        )
    predictor = Predictor(teacher, device)
    return Opinion(*(np.log(np.maximum(score(predictor, side, "teacher").last, TINY)) for side in sides))


def linear(model: Wide, tried: Tried, validation: Sequence[Example], unlabelled: Sequence[Example]) -> Opinion:
    """By the log-odds of the best of the linear models by log loss on validation."""
    unseen, wanted = wide.matrix(model, validation), classes(validation)
    weights, _ = wide.choose(tried, np.zeros(len(wanted)), unseen, wanted)
    return Opinion((unseen @ weights)[:, None], (wide.matrix(model, unlabelled) @ weights)[:, None])


def transformer(train: Sequence[Document], sides: Sequence[Sequence[Document]], device: torch.device) -> Opinion:
    """By the log-odds of a transformer that learnt from `train`."""
    from training.beliefs import believe  # here, since it takes seconds to import and few recipes ask for it

    return Opinion(*(odds[:, None] for odds in believe(train, sides, device)))


def together(opinions: Sequence[Opinion], labels: Labels) -> Floats:
    """The probabilities `[N, K]` of the documents without a label: a logistic regression on the `labels` of validation
    says what each teacher's opinion is worth beside the others' (Platt 1999; stacking: Wolpert 1992)."""
    seen, unseen = (np.hstack(side) for side in zip(*opinions, strict=True))
    return np.asarray(LogisticRegression(C=wide.STEADY, random_state=0).fit(seen, labels).predict_proba(unseen))


def believed(examples: Sequence[Example], probabilities: Floats) -> list[Example]:
    """The examples with what is believed of them; their class is the likeliest, after every sentence."""
    return [
        e._replace(targets=np.full(len(e.lengths), p.argmax()), beliefs=tuple(p.tolist()))
        for e, p in zip(examples, probabilities, strict=True)
    ]


def prepare(recipe: Recipe, splits: Splits, device: torch.device) -> None:
    """Has the beliefs of a transformer that teaches in the cache, before anything is counted: as they may have been
    there for long, what it costs never counts what they took."""
    if TRANSFORMER in recipe.teacher:
        transformer(splits.train, _asked(splits)[1], device)


def _asked(splits: Splits) -> tuple[list[int], tuple[list[Document], list[Document]]]:
    """What teachers are asked about: the validation documents, and which of all they are, of the sets that have
    documents without labels; and the latter."""
    sets = {document.set for document in splits.unlabelled}
    rows = [i for i, document in enumerate(splits.validation) if document.set in sets]
    return rows, ([splits.validation[i] for i in rows], splits.unlabelled)


def beliefs(recipe: Recipe, splits: Splits, of_path: Opinion | None, device: torch.device) -> Floats:
    """What the recipe's teachers believe together, `[N, K]`, of the documents that nobody has labelled. Validation
    documents of the same sets say how much each of them counts."""
    rows, sides = _asked(splits)
    opinions = []
    for name in recipe.teacher:
        if of_path and name == LINEAR:
            opinions.append(of_path.of(rows))
        elif name == TRANSFORMER:
            opinions.append(transformer(splits.train, sides, device))
        else:
            opinions.append(artefact(Path(name), recipe.labels, sides, device))
    return together(opinions, np.array([document.label for document in sides[0]]))
