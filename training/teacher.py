"""What somebody else makes of texts that nobody has labelled, for a classifier to learn from beside those with a label.

unlabelled documents --an artefact, or the linear path--> probabilities [N, K] --> the same documents, with `beliefs`

A recurrence overfits a set of twenty thousand documents within an epoch or two, and a linear model of words and pairs
hardly does. What the linear one believes of fifty thousand more is right nine times of ten, and not the same each
time: learning from it, the recurrence comes to err less, and still differently (self-training with another model's
labels: Blum and Mitchell 1998; with probabilities instead of labels: Hinton et al. 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from models.artefact import load
from models.predictor import Predictor
from models.wide import Wide
from training import wide
from training.corpus import Example
from training.documents import Document
from training.errors import RecipeError
from training.score import score
from training.wide import Floats, Tried


def artefact(folder: Path, labels: Sequence[str], documents: Sequence[Document], device: torch.device) -> Floats:
    """The probabilities `[N, K]` that an artefact gives each document after its last sentence."""
    teacher = load(folder)
    if teacher.labels != tuple(labels):
        raise RecipeError(
            f"teacher = {str(folder)!r} tells {', '.join(teacher.labels)}, wanted {', '.join(labels)}: "
            "name one of this task"
        )
    return score(Predictor(teacher, device), documents, "teacher").last


def linear(model: Wide, tried: Tried, validation: Sequence[Example], unlabelled: Sequence[Example]) -> Floats:
    """The probabilities `[N, 2]` of the best of the linear models by log loss on validation, where their scale and
    bias are fitted too (Platt 1999)."""
    unseen, wanted = wide.matrix(model, validation), wide.classes(validation)
    weights, _ = wide.choose(tried, np.zeros(len(wanted)), unseen, wanted)
    platt = LogisticRegression(C=wide.STEADY, random_state=0).fit((unseen @ weights)[:, None], wanted)
    return np.asarray(platt.predict_proba((wide.matrix(model, unlabelled) @ weights)[:, None]))


def believed(examples: Sequence[Example], probabilities: Floats) -> list[Example]:
    """The examples with what is believed of them; their class is the likeliest, after every sentence."""
    return [
        e._replace(targets=np.full(len(e.lengths), p.argmax()), beliefs=tuple(p.tolist()))
        for e, p in zip(examples, probabilities, strict=True)
    ]
