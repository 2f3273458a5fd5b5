"""From steps to what the wire says, with numbers that can be followed by hand."""

from __future__ import annotations

import struct
from typing import Final

import pytest

from models.predictor import Advance, Step
from models.sentences import Sentence
from models.verdict import NEVER
from service.catalogue import Model
from service.record import Mark
from service.scoring import Tally
from tests.service.live import Bench

SENTENCES: Final = [Sentence(0, 4, "One."), Sentence(5, 4, "Two."), Sentence(10, 6, "Three.")]


@pytest.fixture
def model(bench: Bench) -> Model:
    return bench.catalogue.resolve("spam")


def step(p: float, words: int = 5, unknown: int = 0) -> Step:
    return Step((1 - p, p), 10 * p, 0.5, words, unknown, struct.pack("<2f", p, 1 / 3), words)


def advance(*steps: Step, prior: float = 0.25) -> Advance:
    return Advance(b"state", step(prior), list(steps), {})


def test_sentences_are_counted_on_from_the_mark_over_all_turns(model: Model) -> None:
    tally = Tally(model, 0.5, Mark(7, b"before", 0, 3))
    first = tally.add(SENTENCES[:2], advance(step(0.1), step(0.2)))
    second = tally.add(SENTENCES[2:], advance(step(0.9), prior=0.2))
    assert first + second == [
        {"index": 7, "offset": 0, "length": 4, "probability": 0.1, "delta": 0.5},
        {"index": 8, "offset": 5, "length": 4, "probability": 0.2, "delta": 0.5},
        {"index": 9, "offset": 10, "length": 6, "probability": 0.9, "delta": 0.5},
    ]
    assert tally.now == Mark(10, b"state", 1, 9)
    verdict = tally.verdict()
    assert (verdict["prior"], verdict["probability"], verdict["label"]) == (2.5, 0.9, "spam")
    assert verdict["probabilities"] == {"ham": pytest.approx(0.1), "spam": 0.9}


@pytest.mark.parametrize(
    ("before", "probabilities", "decided_at"),
    [
        (Mark(), [0.1, 0.2, 0.3], 0),
        (Mark(), [0.9, 0.2, 0.3], 1),
        (Mark(), [0.1, 0.9, 0.3], 2),
        (Mark(4, b"s", 0, 2), [0.1, 0.2, 0.3], 2),
        (Mark(4, b"s", 1, 2), [0.1, 0.2, 0.3], 4),
        (Mark(4, b"s", 1, 2), [0.9, 0.2, 0.5], 6),
        (Mark(4, b"s", 1, 2), [], 2),
        (Mark(), [], None),
    ],
)
def test_it_was_decided_at_the_first_sentence_after_which_the_label_stayed(
    model: Model, before: Mark, probabilities: list[float], decided_at: int | None
) -> None:
    whole, turns = Tally(model, 0.5, before), Tally(model, 0.5, before)
    steps = [step(p) for p in probabilities]
    whole.add(SENTENCES[: len(steps)], advance(*steps))
    for sentence, one in zip(SENTENCES, steps, strict=False):
        turns.add([sentence], advance(one))
    assert whole.verdict()["decided_at"] == decided_at
    assert not steps or turns.verdict()["decided_at"] == decided_at


@pytest.mark.parametrize(("threshold", "label"), [(0.6, "ham"), (0.5, "spam"), (0.4, "spam")])
def test_the_label_is_positive_from_the_threshold_on(model: Model, threshold: float, label: str) -> None:
    tally = Tally(model, threshold, Mark())
    tally.add(SENTENCES[:1], advance(step(0.5)))
    assert (tally.verdict()["label"], tally.verdict()["threshold"]) == (label, threshold)
    nothing = Tally(model, threshold, Mark(3, b"s", 0, 0))
    nothing.add([], advance(prior=0.5))
    assert nothing.verdict()["label"] == label


def test_of_three_labels_the_most_probable_is_given(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "labels", ("a", "b", "c"))
    tally = Tally(model, None, Mark())
    tally.add(SENTENCES[:1], advance(step(0.3)._replace(probabilities=(0.3, 0.4, 0.3)), prior=0.3))
    assert (tally.verdict()["label"], tally.verdict()["threshold"]) == ("b", None)
    assert tally.verdict()["probability"] == 0.3


@pytest.mark.parametrize(
    ("steps", "warnings"),
    [
        ([], ["no_words"]),
        ([step(0.5, words=0)], ["no_words"]),
        ([step(0.5, words=2)], ["very_short"]),
        ([step(0.5, words=2, unknown=2)], ["very_short", "mostly_unknown_words"]),
        ([step(0.5, words=3)], []),
        ([step(0.5, words=4, unknown=2)], []),
        ([step(0.5, words=4, unknown=3)], ["mostly_unknown_words"]),
        ([step(0.5, words=4, unknown=4), step(0.5, words=6, unknown=0)], []),
    ],
)
def test_warnings(model: Model, steps: list[Step], warnings: list[str]) -> None:
    tally = Tally(model, 0.5, Mark())
    tally.add(SENTENCES[: len(steps)], advance(*steps))
    assert tally.verdict()["warnings"] == warnings


def test_a_streamed_sentence_has_what_the_readout_sees_to_six_places(model: Model) -> None:
    tally = Tally(model, 0.5, Mark())
    (said,) = tally.stream(SENTENCES[:1], advance(step(0.5)))
    assert said["state"] == [0.5, 0.333333]


def test_there_is_no_verdict_before_the_first_turn(model: Model) -> None:
    tally = Tally(model, 0.5, Mark())
    assert not tally.started
    assert tally.now.label == NEVER
    with pytest.raises(RuntimeError):
        tally.verdict()
