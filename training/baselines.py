"""What a user would pick instead, learnt from the same split.

train, validation --a baseline learns--> Classify --documents of a test--> Scores

Two linear models of whole texts are here (counts [N, V], times log-count ratios, through logistic regression);
fastText, bogofilter and PySS3 have files of their own. All but PySS3 read a whole text at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from models.vocabulary import words
from training import bogofilter, fast_text, ss3
from training.documents import Document
from training.earliness import accuracy
from training.score import Floats, Scores

Classify = Callable[[Sequence[Document]], Scores]
Learn = Callable[[Sequence[Document], Sequence[Document]], Classify | None]
"""From `train`, which has every class, and `validation`, which chooses where there is something to choose; None where
a program is not installed."""

BAG: Final = "bag of words, logistic regression"
NB: Final = "NB-weighted logistic regression, uni- and bigrams"
APART: Final = f"{NB}, from each set alone"
STREAMING: Final = ss3.NAME
"""The one that has a score after every sentence."""
STRENGTHS: Final = {1: (0.03, 0.1, 0.3, 1.0), 2: (0.25, 1.0, 4.0, 16.0)}
"""Inverse strengths of the regularisation that are tried, by the longest run of words."""


def baselines(labels: Sequence[str], sets: Sequence[str] = ()) -> dict[str, Learn]:
    """Those that fit such labels, and such sets."""
    found: dict[str, Learn] = {BAG: partial(linear, 1), NB: partial(linear, 2)}
    if len(sets) > 1:
        found[APART] = apart
    found |= {fast_text.NAME: fast_text.learn, ss3.NAME: lambda train, _: ss3.learn(train)}
    if tuple(labels) == bogofilter.LABELS:
        found[bogofilter.NAME] = lambda train, _: bogofilter.learn(train)
    return found


def identity(name: str) -> str:
    """What says whether a row of a baseline is of the same making."""
    longest = {BAG: 1, NB: 2, APART: 2}.get(name)
    return f"{name}: {STRENGTHS[longest]}" if longest else name


def linear(longest: int, train: Sequence[Document], validation: Sequence[Document]) -> Classify:
    """Logistic regression of the words of whole texts; with `longest` 2 of pairs of neighbours too, each weighted by
    its log-count ratio. The strength with the highest accuracy on validation, of several the least, is taken. Of more
    than two classes each has a model against all others, whose probabilities are made to add up to 1."""
    labels = np.array([document.label for document in train])
    vectorizer = CountVectorizer(analyzer=_Grams(longest), binary=True, min_df=longest, dtype=np.float64)
    counts = vectorizer.fit_transform(document.text for document in train)
    classes = range(1, 2) if labels.max() == 1 else range(labels.max() + 1)
    unseen = vectorizer.transform(document.text for document in validation)
    wanted = np.array([document.label for document in validation])
    tried = [[_against(counts, labels == k, longest, strength) for k in classes] for strength in STRENGTHS[longest]]
    models = max(tried, key=lambda models: accuracy(wanted, _together(models, unseen)))

    def classify(documents: Sequence[Document]) -> Scores:
        return Scores.whole(documents, _together(models, vectorizer.transform(document.text for document in documents)))

    return classify


def apart(train: Sequence[Document], validation: Sequence[Document]) -> Classify:
    """NB-weighted logistic regression of each set by itself, as somebody with that set alone would have it."""
    models = {
        name: linear(2, *([document for document in side if document.set == name] for side in (train, validation)))
        for name in {document.set for document in validation}
    }

    def classify(documents: Sequence[Document]) -> Scores:
        probabilities = np.empty((len(documents), 2))
        for name in {document.set for document in documents}:
            rows = [row for row, document in enumerate(documents) if document.set == name]
            probabilities[rows] = models[name]([documents[row] for row in rows]).last
        return Scores.whole(documents, probabilities)

    return classify


def _against(counts: Any, positive: NDArray[np.bool_], longest: int, strength: float) -> Callable[[Any], Floats]:
    """Probabilities `[N]` of one class against all others, from counts `[N, V]`."""
    ratios = np.ones(counts.shape[1]) if longest == 1 else log_count_ratios(counts, positive)
    model = LogisticRegression(C=strength, solver="liblinear", random_state=0)
    model.fit(counts.multiply(ratios).tocsr(), positive)
    return partial(_probability, model, ratios)


def _probability(model: LogisticRegression, ratios: Floats, counts: Any) -> Floats:
    return np.asarray(model.predict_proba(counts.multiply(ratios).tocsr())[:, 1])


def _together(models: Sequence[Callable[[Any], Floats]], counts: Any) -> Floats:
    """`[N, K]` from the K classes' own `[N]`, or from the second one's alone."""
    found = [model(counts) for model in models]
    stacked = np.stack(found if len(found) > 1 else [1 - found[0], found[0]], axis=1)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True))


def log_count_ratios(counts: Any, labels: NDArray[Any]) -> Floats:
    """r = log (p / |p|) / (q / |q|) with p, q the smoothed counts of both classes: `[V]` (Wang and Manning 2012).

    `counts [N, V]` is sparse, `labels [N]` are 0 and 1.
    """
    p, q = (1 + np.asarray(counts[labels == label].sum(axis=0)).ravel() for label in (1, 0))
    return np.asarray(np.log(p / p.sum()) - np.log(q / q.sum()))


class _Grams:
    """The words of a text, and with `longest` 2 the pairs of neighbours too."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def __call__(self, text: str) -> list[str]:
        found = words(text)
        if self.longest == 1:
            return found
        return found + [f"{a} {b}" for a, b in pairwise(found)]
