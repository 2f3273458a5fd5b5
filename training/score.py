"""Documents through the door that the service uses, sentence by sentence.

documents --split--> sentences --Predictor.advance--> Scores(labels [N], probabilities N x [1 + S, K], targets N x [S])
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.artefact import Artefact
from models.errors import UndertoneError
from models.predictor import Advance, Predictor
from training.corpus import sentences
from training.documents import NO_TARGET, Document

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
_BATCH: Final = 64


@dataclass(frozen=True)
class Scores:
    """`labels [N]`; per document the `probabilities [1 + S, K]` before and after each of its S sentences; and the
    `targets [S]` after each, -1 for none: of a document that has none of its own (an empty list), its label."""

    labels: Labels
    probabilities: list[Floats]
    targets: list[Labels] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = self.targets or [np.empty(0, np.int64)] * len(self.labels)
        told = [
            t if len(t) else np.full(len(p) - 1, label)
            for t, p, label in zip(given, self.probabilities, self.labels, strict=True)
        ]
        object.__setattr__(self, "targets", told)

    @classmethod
    def whole(cls, documents: Sequence[Document], probabilities: Floats) -> Scores:
        """Of what reads each document as one: `probabilities [N, K]` after it, and none before."""
        return cls.ends(np.array([document.label for document in documents], dtype=np.int64), probabilities)

    @classmethod
    def ends(cls, labels: Labels, probabilities: Floats) -> Scores:
        """The same of `labels [N]`."""
        return cls(labels, [np.stack([np.full(len(p), 1 / len(p)), p]) for p in probabilities])

    def after(self, read: int) -> Floats:
        """Probabilities after `read` sentences, or after all of a shorter document: `[N, K]`."""
        return np.array([p[min(read, len(p) - 1)] for p in self.probabilities])

    def at(self, share: float) -> Floats:
        """Probabilities after a share of each document's sentences, rounded up: `[N, K]`."""
        return np.stack([p[int(np.ceil(share * (len(p) - 1)))] for p in self.probabilities])

    @property
    def last(self) -> Floats:
        """Probabilities after the last sentence: `[N, K]`."""
        return self.at(1.0)

    def reaching(self, read: int) -> tuple[Labels, Floats]:
        """Targets `[M]` and probabilities `[M, K]` after `read` sentences, of the M documents that have so many and
        a target there."""
        rows = [i for i, t in enumerate(self.targets) if len(t) >= read and t[read - 1] != NO_TARGET]
        return np.array([self.targets[i][read - 1] for i in rows], dtype=np.int64), self.of(rows).after(read)

    def of(self, rows: Sequence[int]) -> Scores:
        """Only these documents."""
        return Scores(self.labels[list(rows)], [self.probabilities[i] for i in rows], [self.targets[i] for i in rows])


def advances(predictor: Predictor, documents: Sequence[Document], description: str) -> Iterator[tuple[int, Advance]]:
    """Every document from its first sentence to its last, all of it: its number and what is known of it, the shortest
    first."""
    cut = sentences(documents, predictor.artefact.language)
    order = sorted(range(len(cut)), key=lambda i: len(cut[i]))
    for start in tqdm(range(0, len(order), _BATCH), description, mininterval=1):
        chosen = order[start : start + _BATCH]
        for i, advance in zip(chosen, predictor.advance([(None, cut[i]) for i in chosen]), strict=True):
            if isinstance(advance, UndertoneError):
                raise advance
            yield i, advance


def score(predictor: Predictor, documents: Sequence[Document], description: str = "score") -> Scores:
    """What the running probability of every document was."""
    return scores(documents, advances(predictor, documents, description))


def scores(documents: Sequence[Document], known: Iterable[tuple[int, Advance]]) -> Scores:
    """The Scores of documents of which `advances` knows what it yields."""
    probabilities: list[Floats] = [np.empty(0)] * len(documents)
    for i, advance in known:
        probabilities[i] = np.array([advance.prior.probabilities, *(step.probabilities for step in advance.steps)])
    labels = np.array([document.label for document in documents], dtype=np.int64)
    return Scores(labels, probabilities, [np.array(document.targets, dtype=np.int64) for document in documents])


def readable(artefact: Artefact, documents: Sequence[Document]) -> list[Document]:
    """The documents that the model has room for; all of them, where it has no limit."""
    most = artefact.classifier.most_tokens
    if most is None:
        return list(documents)
    cut = sentences(documents, artefact.language)
    words = [sum(len(artefact.vocabulary.ids(sentence)) for sentence in of) for of in cut]
    return [document for document, count in zip(documents, words, strict=True) if count <= most]
