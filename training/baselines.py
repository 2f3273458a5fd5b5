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
from training.score import Floats, Scores

Classify = Callable[[Sequence[Document]], Scores]
Learn = Callable[[Sequence[Document], Sequence[Document]], Classify | None]
"""From `train`, which has every class, and `validation`, which chooses where there is something to choose; None where
a program is not installed."""

NB: Final = "NB-weighted logistic regression, uni- and bigrams"
STREAMING: Final = ss3.NAME
"""The one that has a score after every sentence."""


def baselines(labels: Sequence[str]) -> dict[str, Learn]:
    """Those that fit such labels."""
    found: dict[str, Learn] = {
        "bag of words, logistic regression": lambda train, _: linear(train, 1),
        NB: lambda train, _: linear(train, 2),
        fast_text.NAME: fast_text.learn,
        ss3.NAME: lambda train, _: ss3.learn(train),
    }
    if tuple(labels) == bogofilter.LABELS:
        found[bogofilter.NAME] = lambda train, _: bogofilter.learn(train)
    return found


def linear(train: Sequence[Document], longest: int) -> Classify:
    """Logistic regression of the words of whole texts; with `longest` 2 of pairs of neighbours too, each weighted by
    its log-count ratio. Of more than two classes each has a model against all others, whose probabilities are made
    to add up to 1."""
    labels = np.array([document.label for document in train])
    vectorizer = CountVectorizer(analyzer=_Grams(longest), binary=True, min_df=longest, dtype=np.float64)
    counts = vectorizer.fit_transform(document.text for document in train)
    classes = range(1, 2) if labels.max() == 1 else range(labels.max() + 1)
    models = [_against(counts, labels == k, longest) for k in classes]

    def classify(documents: Sequence[Document]) -> Scores:
        unseen = vectorizer.transform(document.text for document in documents)
        return Scores.whole(documents, _together([model(unseen) for model in models]))

    return classify


def _against(counts: Any, positive: NDArray[np.bool_], longest: int) -> Callable[[Any], Floats]:
    """Probabilities `[N]` of one class against all others, from counts `[N, V]`."""
    ratios = np.ones(counts.shape[1]) if longest == 1 else log_count_ratios(counts, positive)
    model = LogisticRegression(C=0.1 if longest == 1 else 4.0, solver="liblinear", random_state=0)
    model.fit(counts.multiply(ratios).tocsr(), positive)
    return partial(_probability, model, ratios)


def _probability(model: LogisticRegression, ratios: Floats, counts: Any) -> Floats:
    return np.asarray(model.predict_proba(counts.multiply(ratios).tocsr())[:, 1])


def _together(found: list[Floats]) -> Floats:
    """`[N, K]` from the K classes' own `[N]`, or from the second one's alone."""
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
