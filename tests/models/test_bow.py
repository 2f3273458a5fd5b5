"""The bag of words: the worked example's counts in its state, and the vocabulary's matrices at its readout."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from models.bow import BagOfWords
from models.contract import Tokens
from models.vocabulary import Mode, Vocabulary

TEXTS = ["The cat sat on the hat.", "The dog ate the cat and the hat! Unheard of."]


@pytest.mark.parametrize("mode", get_args(Mode))
def test_what_the_readout_sees_is_the_vocabularys_matrix(mode: Mode) -> None:
    vocabulary = Vocabulary.fit([*TEXTS[:1], "The dog ate the cat and the hat"])
    model = BagOfWords(words=len(vocabulary), classes=2, mode=mode)
    model.prepare(vocabulary)
    state = model.initial_state(1)
    assert not model.features(state).any()
    for read, text in enumerate(TEXTS, start=1):
        state, logits = model.step(state, Tokens.of([vocabulary.ids(text)]))
        wanted = torch.from_numpy(vocabulary.texts_to_matrix([" ".join(TEXTS[:read])], mode))
        torch.testing.assert_close(model.features(state), wanted)
        torch.testing.assert_close(logits, model.linear(wanted))


def test_the_state_is_the_counts() -> None:
    vocabulary = Vocabulary(["the", "cat", "sat", "on", "hat", "dog", "ate", "and"])
    model = BagOfWords(words=8, classes=2)
    x = model.encode(Tokens.of([vocabulary.ids("The cat sat on the hat"), vocabulary.ids(TEXTS[1])]))
    assert x.tolist() == [[2, 1, 1, 1, 1, 0, 0, 0], [3, 1, 0, 0, 1, 1, 1, 1]]
    state = model.update(model.update(model.initial_state(2), x), x)
    assert torch.equal(state.counts, 2 * x)


def test_only_tfidf_needs_more_than_words() -> None:
    assert {mode: len(BagOfWords(words=3, classes=2, mode=mode).state_dict()) for mode in get_args(Mode)} == {
        "binary": 2,
        "count": 2,
        "freq": 2,
        "tfidf": 3,
    }
