"""The baselines: the weights of their words, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer

from tests.training.toy import texts
from training.baselines import NAMES, baselines, log_count_ratios
from training.documents import Document


def test_log_count_ratios_by_hand() -> None:
    counts = DictVectorizer().fit_transform([{"a": 1.0}, {"a": 1.0, "b": 1.0}, {"b": 1.0}])
    p, q = np.array([3, 2]), np.array([1, 2])  # 1 + counts of class 1 and class 0
    wanted = np.log(p / p.sum()) - np.log(q / q.sum())
    assert log_count_ratios(counts, np.array([1, 1, 0])) == pytest.approx(wanted)


def test_both_learn_the_films() -> None:
    documents = [Document("", text, label, "x/y") for label in (0, 1) for text in texts(label)]
    found = baselines(documents[::2], {"rest": documents[1::2]})
    assert tuple(found) == NAMES
    for probabilities in found.values():
        assert ((probabilities["rest"][:, 1] > 0.5) == [d.label == 1 for d in documents[1::2]]).mean() > 0.9
