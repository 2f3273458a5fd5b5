"""Calibration and thresholds on scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.calibrate import KNOTS, RATES, apply, fit, thresholds
from training.metrics import calibration_error
from training.score import Scores


def overconfident(documents: int, factor: float, steps: int = 6) -> Scores:
    """Documents whose log-odds are `factor` times what they should be."""
    generator = np.random.default_rng(4)
    truth = generator.normal(0, 1.5, documents)
    labels = (generator.uniform(size=documents) < 1 / (1 + np.exp(-truth))).astype(np.int64)
    p = 1 / (1 + np.exp(-factor * truth))
    row = np.stack([1 - p, p], axis=1)
    return Scores(labels, [np.tile(row[i], (steps + 1, 1)) for i in range(documents)])


def ends(positive: list[float], label: int = 0) -> Scores:
    return Scores(np.full(len(positive), label), [np.array([[0.5, 0.5], [1 - p, p]]) for p in positive])


def test_an_overconfident_model_is_calmed_at_every_prefix() -> None:
    scores = overconfident(2500, factor=3.0)
    calibration = fit(scores)
    calibrated = apply(calibration, scores)
    for read in (1, 3, 6):
        before = calibration_error(scores.labels, scores.after(read))
        after = calibration_error(scores.labels, calibrated.after(read))
        assert after < 0.04 < 0.1 < before
    assert calibration.scale[1:5] == pytest.approx([1 / 3] * 4, rel=0.15)


def test_before_the_first_sentence_there_is_the_base_rate() -> None:
    scores = overconfident(500, factor=1.0)
    prior = apply(fit(scores), scores).after(0)
    assert prior[:, 1] == pytest.approx(scores.labels.mean(), abs=0.002)


def test_knots_without_data_follow_their_neighbours() -> None:
    calibration = fit(overconfident(2000, factor=2.0, steps=2))
    assert len(calibration.sentences) == len(KNOTS)
    assert calibration.scale[-1] == pytest.approx(calibration.scale[2], rel=0.05)


def test_three_classes() -> None:
    generator = np.random.default_rng(1)
    labels = generator.integers(0, 3, 300)
    p = np.full((300, 3), 0.1)
    p[np.arange(300), labels] = 0.8
    calibrated = apply(fit(Scores(labels, [np.stack([row, row]) for row in p])), Scores(labels[:2], [p, p]))
    assert calibrated.probabilities[0].sum(axis=1) == pytest.approx(1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_a_threshold_keeps_its_rate_and_could_not_be_lower(positive: list[float]) -> None:
    for rate, threshold in thresholds(ends(positive)).items():
        called = sum(p >= threshold for p in positive)
        assert called <= max(float(rate) * len(positive), positive.count(1.0))
        lower = [p for p in positive if p < threshold]
        if lower and threshold < 1:
            assert sum(p >= max(lower) for p in positive) > float(rate) * len(positive)


def test_thresholds_are_named_after_their_rates() -> None:
    assert tuple(thresholds(ends([0.1, 0.2]))) == RATES == ("0.01", "0.005", "0.001")


def test_half_of_a_documents_weight_lies_on_its_end() -> None:
    """Of one document in two the first sentence says no more than chance, the second all; of the rest there is one
    sentence, which is right. The knot at one sentence is torn between them, as the weights say."""
    generator = np.random.default_rng(6)
    labels = generator.integers(0, 2, 4000)
    sure = np.stack([1 - np.clip(labels, 0.1, 0.9), np.clip(labels, 0.1, 0.9)], axis=1)
    guess = sure[generator.permutation(len(labels))]
    prior = np.full((1, 2), 0.5)
    documents = [
        np.concatenate([prior, row[None]] if i % 2 else [prior, guess[i][None], row[None]])
        for i, row in enumerate(sure)
    ]
    scale = fit(Scores(labels, documents)).scale[1]
    # Right where it is the end (weight 1), right half of the time where it is not (weight 1/4): p = 0.9.
    assert scale == pytest.approx(1.0, abs=0.1)
