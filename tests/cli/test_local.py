"""Sentences of many texts go through the model together, and a long text in turns."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cli import local
from cli.local import Local
from client import Prediction, Refused
from models.errors import InvalidState, UndertoneError
from models.predictor import Advance, Predictor
from tests.cli.conftest import TEXT

Items = Sequence[tuple[bytes | None, Sequence[str]]]


def test_texts_share_batches_that_are_bounded(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[list[int]] = []
    advance = Predictor.advance

    def counted(self: Predictor, items: Items) -> list[Advance | UndertoneError]:
        turns.append([len(sentences) for _, sentences in items])
        return advance(self, items)

    monkeypatch.setattr(Predictor, "advance", counted)
    monkeypatch.setattr(local, "SENTENCES", 4)
    texts = [TEXT * (1 + n % 3) for n in range(100)]
    answers = Local(model, None, None).predict(texts)
    assert len(turns[0]) == local.TEXTS
    assert max(max(turn) for turn in turns) == 4
    assert len(turns) < 12
    for text, answer in zip(texts[:6], answers[:6], strict=True):
        (alone,) = Local(model, None, None).predict([text])
        assert isinstance(answer, Prediction)
        assert isinstance(alone, Prediction)
        assert [s.probability for s in answer.sentences] == pytest.approx([s.probability for s in alone.sentences])


def test_a_text_that_the_model_refuses_does_not_fail_its_neighbours(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Predictor.advance

    def refusing(self: Predictor, items: Items) -> list[Advance | UndertoneError]:
        answers = advance(self, items)
        return [
            InvalidState("no") if "won" in sentences[0] else a for (_, sentences), a in zip(items, answers, strict=True)
        ]

    monkeypatch.setattr(Predictor, "advance", refusing)
    good, bad = Local(model, None, None).predict(["The cat.", "You won."])
    assert isinstance(good, Prediction)
    assert isinstance(bad, Refused)
    assert (bad.code, bad.status) == ("state_unreadable", 409)
