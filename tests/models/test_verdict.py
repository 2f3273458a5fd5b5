"""Labels, when they were decided, warnings and thresholds, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.errors import InvalidRequest
from models.predictor import Step
from models.verdict import NEVER, Verdict, threshold
from tests.models.tiny import artefact


def step(*probabilities: float, words: int = 4, unknown: int = 0, common: int = 0) -> Step:
    return Step(probabilities, 0.0, 0.0, words, unknown, b"", common)


def test_a_label_is_decided_where_it_changed_last() -> None:
    verdict = Verdict(0.5)
    assert (verdict.label, verdict.decided_at) == (NEVER, NEVER)
    for index, p in enumerate([0.4, 0.5, 0.2, 0.9, 0.8], start=10):
        verdict = verdict.after(index, step(1 - p, p))
    assert (verdict.label, verdict.decided_at) == (1, 13)


def test_it_goes_on_from_what_was_known() -> None:
    verdict = Verdict(0.9, label=0, decided_at=2)
    verdict = verdict.after(5, step(0.2, 0.8))
    assert (verdict.label, verdict.decided_at) == (0, 2)


def test_of_three_labels_the_most_probable_is_given() -> None:
    assert Verdict(None).label_of(step(0.2, 0.5, 0.3)) == 1


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([], ["no_words"]),
        ([(0, 0, 0)], ["no_words"]),
        ([(2, 0, 0)], ["very_short"]),
        ([(2, 2, 2)], ["very_short", "mostly_unknown_words"]),
        ([(2, 2, 0)], ["very_short", "mostly_unknown_words", "not_english"]),
        ([(4, 2, 2)], []),
        ([(4, 2, 2), (2, 2, 0)], ["mostly_unknown_words"]),
        ([(9, 3, 0)], ["not_english"]),
        ([(9, 3, 0), (1, 0, 1)], []),
        ([(9, 3, 1)], []),
        ([(5, 1, 0), (5, 3, 1)], ["not_english"]),
    ],
)
def test_warnings(steps: list[tuple[int, int, int]], wanted: list[str]) -> None:
    verdict = Verdict(0.5)
    for words, unknown, common in steps:
        verdict = verdict.after(0, step(0.5, 0.5, words=words, unknown=unknown, common=common))
    assert verdict.warnings == wanted


def test_thresholds() -> None:
    model = replace(artefact("gru"), thresholds={"0.01": 0.75})
    assert [threshold(model, asked) for asked in (None, 0.3, "fpr:0.01")] == [0.5, 0.3, 0.75]
    for asked in ("fpr:0.5", "0.01"):
        with pytest.raises(InvalidRequest, match=r'one of "fpr:0\.01"'):
            threshold(model, asked)
    with pytest.raises(InvalidRequest, match="3 labels"):
        threshold(replace(model, labels=("a", "b", "c")), 0.5)
