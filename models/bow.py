"""Bag of words: integer counts go round, and what is made of them is made at the readout.

words --count--> [N, V] --add--> counts [B, V] --binary, count, freq or tfidf--> [B, V] --linear--> logits [B, K]
"""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.vocabulary import Mode, Vocabulary


class BagState(NamedTuple):
    """`counts [B, V]`: how often each word of the vocabulary was read; whole numbers."""

    counts: Tensor


class Bag(Classifier[BagState]):
    """What the classifiers that count words have in common; `mode` is one of `Vocabulary.texts_to_matrix`.

    The state has as many numbers as the vocabulary has words: keep that small where states are stored.
    """

    def __init__(self, words: int, mode: Mode) -> None:
        super().__init__()
        self.words = words
        self.mode = mode
        if mode == "tfidf":
            self.register_buffer("idf", torch.ones(words))

    @abstractmethod
    def zeros(self, *shape: int) -> Tensor:
        """Zeros of that shape, where the weights are."""

    def prepare(self, vocabulary: Vocabulary) -> None:
        if self.mode == "tfidf":
            self.get_buffer("idf").copy_(torch.from_numpy(vocabulary.idf()))

    def initial_state(self, batch: int) -> BagState:
        return BagState(self.zeros(batch, self.words))

    def encode(self, tokens: Tokens) -> Tensor:
        """The count vectors `[N, V]`; unknown words are in none."""
        counts = self.zeros(len(tokens.lengths), 1 + self.words)
        counts.index_put_((tokens.sentence, tokens.ids), counts.new_ones(()), accumulate=True)
        return counts[:, 1:]

    def update(self, state: BagState, x: Tensor, noise: Tensor | None = None) -> BagState:
        return BagState(state.counts + x)

    def features(self, state: BagState) -> Tensor:
        """`[B, V]`: see `Vocabulary.texts_to_matrix`."""
        counts = state.counts
        if self.mode == "binary":
            return (counts > 0).to(counts.dtype)
        if self.mode == "freq":
            return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
        if self.mode == "tfidf":
            return torch.where(counts > 0, 1 + counts.clamp(min=1).log(), 0) * self.get_buffer("idf")
        return counts


class BagOfWords(Bag):
    """A linear model of the words of a text."""

    def __init__(self, *, words: int, classes: int, mode: Mode = "binary") -> None:
        super().__init__(words, mode)
        self.linear = nn.Linear(words, classes)

    def zeros(self, *shape: int) -> Tensor:
        return self.linear.weight.new_zeros(shape)

    def readout(self, state: BagState) -> Tensor:
        return self.linear(self.features(state))
