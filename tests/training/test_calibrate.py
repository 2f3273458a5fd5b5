"""Calibration and thresholds on scores whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit  # type: ignore[import-untyped]

from models.artefact import load
from models.predictor import Predictor
from training import sources
from training.calibrate import KNOTS, NOISE, RATES, apply, fit, most_accurate, thresholds
from training.measure import recipe_of
from training.metrics import calibration_error
from training.score import Scores, score
from training.splits import split


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
            near = logit(max(lower)) - NOISE  # what is as good as the same was passed over
            assert sum(logit(p) >= near for p in positive) > float(rate) * len(positive)


def test_noise_of_float32_moves_no_negative_over_a_threshold() -> None:
    """A threshold right above a number that is served a little higher: two false positives on 1,377 ham, where one was
    allowed."""
    generator = np.random.default_rng(3)
    odds = np.sort(generator.normal(-4, 3, 1377))
    odds[-2:] = odds[-3] + [1e-5, 2.0]  # the two highest that may not be called are as good as the same
    called = thresholds(ends((1 / (1 + np.exp(-odds))).tolist()))
    for _ in range(20):
        served = 1 / (1 + np.exp(-(odds + generator.normal(0, 3e-5, len(odds)))).astype(np.float32))
        for rate, threshold in called.items():
            assert np.count_nonzero(served >= threshold) <= float(rate) * len(odds)
    higher, lower = 1 / (1 + np.exp(-odds[[-1, -2]]))
    assert called["0.001"] == pytest.approx((higher + lower) / 2)
    assert thresholds(ends([0.2] * 1000 + [0.4]))["0.001"] == pytest.approx(0.3)
    assert thresholds(ends([0.2, 0.4]))["0.01"] == pytest.approx(0.7)  # none may be called: halfway to certainty


def test_thresholds_are_kept_by_the_scores_that_are_served(trained: Path, data_dir: Path) -> None:
    """Through the door that serves, one by one and together with others."""
    artefact = load(trained)
    documents = sources.documents(recipe_of(artefact), data_dir)
    negatives = [d for d in split(documents).validation if d.label == 0]
    assert negatives
    alone = [score(Predictor(artefact), [d], "alone").last[0, 1] for d in negatives]
    together = score(Predictor(artefact), negatives + documents, "together").last[: len(negatives), 1]
    for positive in (np.array(alone), together):
        for rate, threshold in artefact.thresholds.items():
            assert np.count_nonzero(positive >= threshold) <= float(rate) * len(negatives)
            assert threshold > positive.max() + (1 - positive.max()) / 3  # none may be called of so few


def test_the_most_accurate_cut_lies_midway_and_calls_least_of_several() -> None:
    def scores(labels: list[int], positive: list[float]) -> Scores:
        return Scores.ends(np.array(labels), np.stack([1 - np.array(positive), positive], axis=1))

    assert most_accurate(scores([0, 0, 1, 1], [0.1, 0.3, 0.7, 0.9])) == pytest.approx(0.5)
    assert most_accurate(scores([1, 0, 1], [0.2, 0.4, 0.6])) == pytest.approx(0.5)  # as good as 0.1, and calls less
    assert most_accurate(scores([0, 1, 1, 0], [0.4, 0.6, 0.6, 0.6])) == pytest.approx(0.5)  # never between equals
    assert most_accurate(scores([0, 0], [0.4, 0.6])) == pytest.approx(0.8)
    assert most_accurate(scores([1, 1], [0.4, 0.6])) == pytest.approx(0.2)


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
