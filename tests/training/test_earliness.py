"""When reading may stop, and what that costs, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.earliness import earliness, erde, stop
from training.score import Scores

# Four documents: sure at once and right; sure after two of four and wrong; never sure; of one sentence.
SCORES = Scores(
    np.array([1, 1, 0, 0]),
    [
        np.array([[0.5, 0.5], [0.05, 0.95], [0.9, 0.1]]),
        np.array([[0.5, 0.5], [0.6, 0.4], [0.97, 0.03], [0.1, 0.9], [0.01, 0.99]]),
        np.array([[0.5, 0.5], [0.6, 0.4], [0.7, 0.3]]),
        np.array([[0.5, 0.5], [0.04, 0.96]]),
    ],
)


def test_a_label_is_decided_as_soon_as_it_is_sure() -> None:
    decided, read = stop(SCORES, 0.05)
    assert decided.tolist() == [1, 0, 0, 1]
    assert read.tolist() == [1, 2, 2, 1]
    decided, read = stop(SCORES, 0.01)
    assert decided.tolist() == [0, 1, 0, 1]
    assert read.tolist() == [2, 4, 2, 1]


def test_what_the_stop_rule_gives() -> None:
    found = earliness(SCORES)["stop"]["5%"]
    assert found["accuracy"] == 0.5
    assert found["early"] == 0.5  # the first two; of them one is wrong
    assert found["early_error"] == 0.5
    assert found["sentences"] == 1.5
    assert found["unread"] == pytest.approx(1 - (1 / 2 + 2 / 4 + 1 + 1) / 4)
    assert found["harmonic_mean"] == pytest.approx(2 * 0.5 * 0.25 / 0.75)
    assert earliness(SCORES)["stop"]["1%"]["early_error"] is None


def test_early_risk_detection_error_by_hand() -> None:
    decided, read = stop(SCORES, 0.05)
    late = 1 - 1 / (1 + np.exp(1 - 5))  # a true positive after one sentence
    assert erde(SCORES.labels, decided, read, 5) == pytest.approx((late + 1 + 0 + 0.5) / 4)
    assert earliness(SCORES)["erde"]["5"] == pytest.approx((late + 1 + 0 + 0.5) / 4)
    assert erde(np.array([0]), np.array([0]), np.array([9]), 5) == 0


def test_three_classes_have_no_such_error() -> None:
    scores = Scores(np.array([2]), [np.array([[0.3, 0.3, 0.4], [0.0, 0.04, 0.96]])])
    assert "erde" not in earliness(scores)
    assert earliness(scores)["stop"]["5%"]["accuracy"] == 1
