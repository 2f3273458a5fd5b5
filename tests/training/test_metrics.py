"""Figures against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.earliness import accuracy
from training.metrics import ENOUGH, calibration_error, calibration_errors, figures, interval, rates, summary
from training.score import Scores

# Three documents: of one, two and three sentences.
SCORES = Scores(
    np.array([1, 0, 1]),
    [
        np.array([[0.5, 0.5], [0.2, 0.8]]),
        np.array([[0.5, 0.5], [0.4, 0.6], [0.9, 0.1]]),
        np.array([[0.5, 0.5], [0.7, 0.3], [0.6, 0.4], [0.45, 0.55]]),
    ],
)


def test_prefixes_of_documents() -> None:
    assert SCORES.after(1)[:, 1].tolist() == [0.8, 0.6, 0.3]
    assert SCORES.after(2)[:, 1].tolist() == [0.8, 0.1, 0.4]
    assert SCORES.at(0.5)[:, 1].tolist() == [0.8, 0.6, 0.4]
    assert SCORES.last[:, 1].tolist() == [0.8, 0.1, 0.55]
    assert SCORES.reaching(2)[0].tolist() == [0, 1]
    assert SCORES.reaching(2)[1][:, 1].tolist() == [0.1, 0.4]


def test_figures_of_the_three() -> None:
    entry = figures(SCORES, {"0.01": 0.6})
    assert (entry["documents"], entry["positives"], entry["accuracy"], entry["roc_auc"]) == (3, 2, 1.0, 1.0)
    assert entry["log_loss"] == pytest.approx(-np.log([0.8, 0.9, 0.55]).mean())
    assert entry["thresholds"]["0.01"] == {
        "threshold": 0.6,
        "false_positive_rate": 0.0,
        "recall": 0.5,
        "negatives": 1,
        "interval": [0.0, pytest.approx(0.975)],
    }
    assert entry["earliness"]["sentences"]["1"] == pytest.approx(1 / 3)
    assert entry["earliness"]["sentences"]["0"] == pytest.approx(2 / 3)
    assert entry["earliness"]["share"]["100%"] == 1.0
    assert entry["calibration_error"]["3"]["documents"] == 1
    assert "5" not in entry["calibration_error"]


def test_calibration_error_of_two_bins_worth() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    exact = np.tile([0.7, 0.3], (10, 1))
    assert calibration_error(np.repeat(labels, 1), exact) == pytest.approx((7 * 0.3 + 3 * 0.7) / 10)
    many = np.tile(labels, 30)  # bins of 20 neighbours each hold the classes in their proportion
    assert calibration_error(many, np.tile(exact, (30, 1))) == pytest.approx(0.0, abs=1e-9)


def test_a_tie_is_positive_as_the_service_has_it() -> None:
    assert accuracy(np.array([1]), np.array([[0.5, 0.5]])) == 1.0


def test_one_class_has_no_auc_and_no_rate_of_the_other() -> None:
    entry = summary(np.array([1, 1]), np.array([[0.2, 0.8], [0.6, 0.4]]))
    assert (entry["roc_auc"], entry["false_positive_rate"], entry["recall"]) == (None, None, 0.5)
    assert rates(np.array([0]), np.array([0.5]), 0.5) == {"false_positive_rate": 1.0, "recall": None}


def test_three_classes_have_an_accuracy_and_a_loss() -> None:
    entry = summary(np.array([0, 2]), np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]]))
    assert entry["accuracy"] == 0.5
    assert entry["roc_auc"] is None
    assert calibration_error(np.array([0, 2]), np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3]])) == pytest.approx(0.35)


def test_few_negatives_tell_little_of_a_rate() -> None:
    """The rule of three: none of n says at most about 3.7 / n (the upper end of a two-sided 95 % interval)."""
    none = np.tile([0.9, 0.1], (100, 1))
    assert interval(np.zeros(100, np.int64), none, 0.5) == {
        "negatives": 100,
        "interval": [0.0, pytest.approx(1 - 0.025 ** (1 / 100))],
    }
    assert interval(np.ones(3, np.int64), none[:3], 0.5) == {"negatives": 0, "interval": [0.0, 1.0]}


def calibrated(documents: int, scale: float, seed: int) -> Scores:
    """Scores whose log-odds are true once they are multiplied by `scale`."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, documents)
    labels = (generator.uniform(size=documents) < 1 / (1 + np.exp(-scale * odds))).astype(np.int64)
    positive = 1 / (1 + np.exp(-odds))
    return Scores.ends(labels, np.stack([1 - positive, positive], axis=1))


def test_a_calibration_error_has_an_interval_where_documents_are_few() -> None:
    scores = calibrated(ENOUGH, 1.0, seed=1)
    many, few = calibration_errors(scores)["end"], calibration_errors(scores.of(range(400)))["end"]
    assert "interval" not in many
    assert many["error"] < 0.03
    low, high = few["interval"]
    assert low <= few["corrected"] <= high
    assert 0.01 < high - low < 0.1
    assert few["corrected"] < few["error"]
    assert len(few["claimed"]) == len(few["right"]) == 15
    assert few["claimed"] == sorted(few["claimed"])


@pytest.mark.parametrize(("scale", "truth"), [(1.0, 0.0), (0.7, 0.0536)])
def test_the_interval_of_a_calibration_error_holds_the_truth_as_often_as_it_says(scale: float, truth: float) -> None:
    """A model without a fault, and one that is too sure; the percentiles of a bootstrap hold the truth of neither."""
    found = [calibration_errors(calibrated(400, scale, seed))["end"] for seed in range(60)]
    assert all(f["interval"][0] <= f["corrected"] <= f["interval"][1] for f in found)
    held = [f["interval"][0] <= truth <= f["interval"][1] for f in found]
    assert sum(held) >= 52  # of 60; fewer than that have a chance of one in a hundred at 95 %
    corrected, plain = (np.mean([f[name] for f in found]) for name in ("corrected", "error"))
    assert abs(corrected - truth) < 0.02 < plain - truth


def test_no_fault_in_few_documents_is_the_rule_of_three() -> None:
    sure = Scores.ends(np.ones(150, np.int64), np.tile([0.0, 1.0], (150, 1)))
    found = calibration_errors(sure)["end"]
    assert (found["error"], found["corrected"], found["interval"][0]) == (0, 0, 0)
    assert found["interval"][1] == pytest.approx(3.7 / 150, rel=0.2)
    unsure = Scores.ends(np.ones(2, np.int64), np.tile([0.1, 0.9], (2, 1)))
    assert calibration_errors(unsure)["end"]["interval"][1] > 0.5  # two documents say next to nothing
