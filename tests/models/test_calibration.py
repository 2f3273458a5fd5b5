"""Calibration: what lies between its knots and outside them; softmax and log-odds at any size."""

from __future__ import annotations

import numpy as np
import pytest

from models.calibration import Calibration, log_odds, softmax
from tests.models.tiny import CALIBRATION

LOGITS = np.array([[1.0, 3.0]])


def at(read: int) -> list[float]:
    return CALIBRATION.apply(LOGITS, np.array([read]))[0].tolist()


def test_the_identity_changes_nothing_at_any_length() -> None:
    logits = np.array([[0.1, -4.0, 2.0], [7.0, 0.0, 1.0]])
    assert Calibration.identity(3).apply(logits, np.array([0, 1000])).tolist() == logits.tolist()


def test_knots_are_met_and_the_last_one_holds_for_ever() -> None:
    assert at(0) == pytest.approx([0.5, 1.5 + 0.3])
    assert at(2) == pytest.approx([1.0, 3.0 - 0.2])
    assert at(9) == at(10) == at(1_000_000) == pytest.approx([1.5 + 0.1, 4.5])


def test_between_knots_both_numbers_are_linear_in_the_logarithm() -> None:
    way = np.log(1 + 1) / np.log(1 + 2)  # from 0 sentences to 2, at 1
    scale, bias = 0.5 + way * 0.5, 0.3 - way * 0.5
    assert at(1) == pytest.approx([scale, 3 * scale + bias])


def test_rows_are_calibrated_each_by_its_own_number_of_sentences() -> None:
    together = CALIBRATION.apply(np.repeat(LOGITS, 3, axis=0), np.array([9, 0, 1]))
    assert together.tolist() == [at(9), at(0), at(1)]


def test_a_config_keeps_it() -> None:
    assert Calibration.from_config(CALIBRATION.to_config()) == CALIBRATION


def test_softmax_neither_overflows_nor_loses_its_sum() -> None:
    probabilities = softmax(np.array([[1000.0, 0.0, -1000.0], [0.0, 0.0, 0.0], [np.log(2), np.log(5), np.log(3)]]))
    assert probabilities[0].tolist() == [1.0, 0.0, 0.0]
    assert probabilities[1].tolist() == pytest.approx([1 / 3] * 3)
    assert probabilities[2].tolist() == pytest.approx([0.2, 0.5, 0.3])


def test_log_odds_are_of_the_last_class_against_all_others() -> None:
    logits = np.array([[0.3, -1.0, 0.7], [4.0, 2.0, -3.0]])
    p = softmax(logits)[:, -1]
    assert log_odds(logits).tolist() == pytest.approx(np.log(p / (1 - p)).tolist())
    assert log_odds(np.array([[-900.0, 900.0], [900.0, -900.0]])).tolist() == [1800.0, -1800.0]
