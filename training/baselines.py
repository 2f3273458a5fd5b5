"""What a user would pick instead, on the same split: two linear models of whole texts.

documents --the vocabulary's words--> counts [N, V] --(times log-count ratios)--> logistic regression
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from models.vocabulary import words
from training.documents import Document

NAMES: Final = ("bag of words, logistic regression", "NB-weighted logistic regression, uni- and bigrams")


def baselines(train: Sequence[Document], tests: dict[str, list[Document]]) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Probabilities `[N, K]` of every test document, per baseline and test set; every class is in `train`.

    Of more than two classes each has a model against all others, whose probabilities are made to add up to 1.
    """
    labels = np.array([document.label for document in train])
    probabilities: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, longest in zip(NAMES, (1, 2), strict=True):
        vectorizer = CountVectorizer(analyzer=_Grams(longest), binary=True, min_df=longest, dtype=np.float64)
        counts = vectorizer.fit_transform(document.text for document in train)
        matrices = {test: vectorizer.transform(d.text for d in documents) for test, documents in tests.items()}
        classes = range(1, 2) if labels.max() == 1 else range(labels.max() + 1)
        found = [_against(counts, labels == k, matrices, longest) for k in classes]
        probabilities[name] = {test: _together([of[test] for of in found]) for test in tests}
    return probabilities


def _against(
    counts: Any, positive: NDArray[np.bool_], matrices: dict[str, Any], longest: int
) -> dict[str, NDArray[np.float64]]:
    """Probabilities `[N]` of one class against all others, per test set."""
    ratios = np.ones(counts.shape[1]) if longest == 1 else log_count_ratios(counts, positive)
    model = LogisticRegression(C=0.1 if longest == 1 else 4.0, solver="liblinear", random_state=0)
    model.fit(counts.multiply(ratios).tocsr(), positive)
    return {test: model.predict_proba(matrix.multiply(ratios).tocsr())[:, 1] for test, matrix in matrices.items()}


def _together(found: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """`[N, K]` from the K classes' own `[N]`, or from the second one's alone."""
    stacked = np.stack(found if len(found) > 1 else [1 - found[0], found[0]], axis=1)
    return np.asarray(stacked / stacked.sum(axis=1, keepdims=True))


def log_count_ratios(counts: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
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
