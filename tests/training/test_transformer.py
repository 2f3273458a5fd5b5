"""The transformer that teaches: what it reads, in which order it learns, and that a run that is cut goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training import bert
from training import transformer
from training.documents import Document
from training.transformer import Encoder

TEXTS = [[1, 4 + i % 2, *[7] * (i % 5), 2] for i in range(70)]
STEPS = [transformer.Update(TEXTS[i : i + 7], [1 - i % 2 for i in range(i, i + 7)], 1e-2) for i in range(0, 70, 7)]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert.tiny(tmp_path_factory.mktemp("bert"))


def encoder(weights: Path, seed: int = 0) -> Encoder:
    torch.manual_seed(seed)
    return Encoder(weights)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has the encoder fail after so many calls, with what was done before written down each time."""
    monkeypatch.setattr(transformer, "SAVED", 0)
    forward = Encoder.forward

    def after(calls: int) -> None:
        left = [calls]

        def failing(self: Encoder, texts: Any) -> Tensor:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return forward(self, texts)

        monkeypatch.setattr(Encoder, "forward", failing)

    return after


def test_learning_goes_on_where_it_was_cut(weights: Path, tmp_path: Path, cut: Callable[[int], None]) -> None:
    transformer.learn(whole := encoder(weights), STEPS, tmp_path / "whole")
    cut(4)
    with pytest.raises(KeyboardInterrupt):
        transformer.learn(encoder(weights), STEPS, tmp_path / "cut")
    cut(6)  # of ten
    transformer.learn(again := encoder(weights, seed=5), STEPS, tmp_path / "cut")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    cut(0)  # all is learnt
    transformer.learn(encoder(weights), STEPS, tmp_path / "cut")


def test_reading_goes_on_where_it_was_cut(
    weights: Path, tmp_path: Path, cut: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformer, "READ", 16)
    one = encoder(weights)
    whole = transformer.read(one, TEXTS, tmp_path / "whole")
    assert whole.numpy() == pytest.approx([one([text]).item() for text in TEXTS], abs=1e-5)
    cut(2)
    with pytest.raises(KeyboardInterrupt):
        transformer.read(one, TEXTS, tmp_path / "cut")
    cut(3)  # of five
    assert torch.equal(transformer.read(one, TEXTS, tmp_path / "cut"), whole)
    cut(0)
    assert torch.equal(transformer.read(one, TEXTS, tmp_path / "cut"), whole)


def test_of_a_long_text_the_first_and_the_last_pieces_are_read(weights: Path) -> None:
    begin, middle, end = "good " * transformer.HEAD, "film " * 9, "bad " * transformer.TAIL
    documents = [Document("", text, 0, "a") for text in (begin + middle + end, "a")]
    long, short = transformer.pieces(transformer.tokenizer(weights), documents)
    assert long == [1, *[4] * transformer.HEAD, *[5] * transformer.TAIL, 2]
    assert short == [1, 7, 2]


def documents(count: int, words: int, name: str) -> list[Document]:
    return [Document(str(i), "film " * words, i % 2, f"{name}/train") for i in range(count)]


def test_sentences_are_learnt_before_longer_texts(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "MOST", 3)
    phrases = documents(9, transformer.LEAST - 1, "sst2")
    short, reviews = documents(5, transformer.LEAST, "sst2"), documents(40, transformer.SHORT, "aclimdb")
    train = [*reviews, *phrases, *short]
    assert transformer.stages(train) == (short[:3], reviews)
    first, *others = transformer.updates(transformer.tokenizer(weights), train)
    assert [len(text) for text in first.texts] == [transformer.LEAST + 2] * 3
    assert sum(len(update.texts) for update in others) == 40
    rates = np.array([update.rate for update in others])
    assert (rates > 0).all()
    assert (rates <= transformer.RATE).all()
