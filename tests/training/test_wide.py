"""The linear path beside a classifier: fitted after it, and never worse on validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from models.families import build
from models.wide import Wide
from training import wide
from training.corpus import example

# Class 1 says 1, class 0 says 2; one document of five says both. 0 is the unknown word, 3 says nothing.
DATA = [example([[3, 2 - i % 2], [3, 1 if i % 5 == 0 else 2 - i % 2], [3, 2 - i % 2], [0]], i % 2) for i in range(40)]


SIZES: dict[str, dict[str, Any]] = {
    "gru": {"pairs": 8, "embedding": 4, "hidden": 4, "wide": 1, "dropout": 0.3},
    "conv1d": {"pairs": 8, "embedding": 2, "filters": 1, "wide": 1},
}
families = pytest.mark.parametrize("family", SIZES)


def model(family: str) -> Wide:
    torch.manual_seed(2)
    made = build(family, words=3, classes=2, sizes=SIZES[family])
    assert isinstance(made, Wide)
    return made


def area(odds: np.ndarray) -> float:
    return float(roc_auc_score([e.targets[-1] for e in DATA], odds))


@families
def test_counts_are_of_words_and_pairs_and_leave_the_unknown_out(family: str) -> None:
    counts = wide.matrix(model(family), DATA[:1]).toarray()[0]
    assert counts[0] == 0
    assert counts[1:4].tolist() == [np.count_nonzero(DATA[0].ids == i) for i in (1, 2, 3)]
    assert counts[4:].sum() == 3  # one pair in each sentence of two words


@families
def test_the_fit_is_at_least_as_good_as_the_inner_classifier_alone(family: str) -> None:
    classifier = model(family).eval()
    before = area(wide.ends(classifier, DATA))
    found = wide.fit(classifier, DATA * 20, DATA)
    assert found["validation_roc_auc"] == pytest.approx(area(wide.ends(classifier, DATA)))
    assert found["validation_roc_auc"] == 1.0 > before
    assert classifier.table.weight[0].tolist() == [0, 0]
