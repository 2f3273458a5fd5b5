"""What all peers serve: the model of Undertone's /v1/predict, called as simply as it can be.

text --split--> sentences --Predictor.advance--> {"probability", "sentences": [a probability each]}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypedDict

from models import shipped
from models.artefact import load
from models.predictor import Advance, Predictor
from models.sentences import split

MODEL: Final = "spam-gru"


class Answer(TypedDict):
    probability: float
    sentences: list[float]


def scorer() -> Callable[[str], Answer]:
    """Loads the model; the function scores a text."""
    predictor = Predictor(load(shipped.folder(MODEL)))

    def score(text: str) -> Answer:
        (advance,) = predictor.advance([(None, [sentence.text for sentence in split(text)])])
        if not isinstance(advance, Advance):
            raise advance
        probabilities = [step.probabilities[-1] for step in advance.steps]
        return {"probability": probabilities[-1], "sentences": probabilities}

    return score
