"""Documents through the door that the service uses, sentence by sentence.

documents --split--> sentences --Predictor.advance--> Scores(labels [N], probabilities N x [1 + S, K])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.errors import UndertoneError
from models.predictor import Predictor
from training.corpus import sentences
from training.documents import Document

Floats = NDArray[np.float64]
_BATCH: Final = 64


class Scores(NamedTuple):
    """`labels [N]`; and per document the `probabilities [1 + S, K]` before and after each of its S sentences."""

    labels: NDArray[np.int64]
    probabilities: list[Floats]

    def after(self, read: int) -> Floats:
        """Probabilities after `read` sentences, or after all of a shorter document: `[N, K]`."""
        return np.stack([p[min(read, len(p) - 1)] for p in self.probabilities])

    def at(self, share: float) -> Floats:
        """Probabilities after a share of each document's sentences, rounded up: `[N, K]`."""
        return np.stack([p[int(np.ceil(share * (len(p) - 1)))] for p in self.probabilities])

    @property
    def last(self) -> Floats:
        """Probabilities after the last sentence: `[N, K]`."""
        return self.at(1.0)

    def reaching(self, read: int) -> Scores:
        """Only the documents that have so many sentences."""
        return self.of([i for i, p in enumerate(self.probabilities) if len(p) > read])

    def of(self, rows: Sequence[int]) -> Scores:
        """Only these documents."""
        return Scores(self.labels[list(rows)], [self.probabilities[i] for i in rows])


def score(predictor: Predictor, documents: Sequence[Document], description: str = "score") -> Scores:
    """Every document from its first sentence to its last, all of it."""
    cut = sentences(documents, predictor.artefact.language)
    order = sorted(range(len(cut)), key=lambda i: len(cut[i]))
    probabilities: list[Floats] = [np.empty(0)] * len(cut)
    for start in tqdm(range(0, len(order), _BATCH), description, mininterval=1):
        chosen = order[start : start + _BATCH]
        for i, advance in zip(chosen, predictor.advance([(None, cut[i]) for i in chosen]), strict=True):
            if isinstance(advance, UndertoneError):
                raise advance
            probabilities[i] = np.array([advance.prior.probabilities, *(step.probabilities for step in advance.steps)])
    return Scores(np.array([document.label for document in documents]), probabilities)
