"""A linear model of words and pairs beside a classifier of any family.

tokens --inner--> x, state, logits [B, K] ---------------------------+--> logits [B, K]
       --table, added up over everything read--> total [B, K] / √read
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.encoders import grams, rows_per_sentence
from models.vocabulary import Vocabulary

WideState = tuple[Tensor, ...]
"""The tensors of the inner state; then `total [B, K]`, the weights of every word and pair read, added up; and last
`read [B, 1]`, how many those were."""


class Wide(Classifier[WideState]):
    """`inner`, and a weight per class for every word and hashed word pair (Cheng et al. 2016).

    The sum of the weights is divided by the root of how many words and pairs were read: counts over √n are a vector
    of about one length, however long the text, where a bare sum grows with it. That is what tf-idf's unit length
    does for a text that is there whole, and it streams.

    The inner classifier is trained by itself, and the table fitted after it (training/wide.py).
    """

    def __init__(self, inner: Classifier[Any], *, words: int, classes: int, pairs: int) -> None:
        super().__init__()
        self.inner = inner
        self.state = type(inner.initial_state(0))
        self.words = words
        self.pairs = pairs
        self.table = nn.Embedding(1 + words + pairs, classes).requires_grad_(False)
        nn.init.zeros_(self.table.weight)

    def initial_state(self, batch: int) -> WideState:
        none = self.table.weight.new_zeros
        return (*self.inner.initial_state(batch), none(batch, self.table.embedding_dim), none(batch, 1))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, D + K + 1]`: the inner vector, the sum of the weights of the sentence's words and pairs, and their
        number."""
        x = self.inner.encode(tokens)
        ids, starts = grams(tokens, self.words, self.pairs)
        weights = F.embedding_bag(ids, self.table.weight, starts, mode="sum")
        number = rows_per_sentence(ids, starts).to(weights.dtype)
        return torch.cat([x, weights, number[:, None]], dim=1)

    def prepare(self, vocabulary: Vocabulary) -> None:
        self.inner.prepare(vocabulary)

    def room(self, state: WideState) -> Tensor | None:
        return self.inner.room(self._within(state))

    def sample_noise(self, batch: int) -> Tensor | None:
        return self.inner.sample_noise(batch)

    def update(self, state: WideState, x: Tensor, noise: Tensor | None = None) -> WideState:
        classes = self.table.embedding_dim
        x, weights, number = x.split([x.shape[1] - classes - 1, classes, 1], dim=1)
        return (*self.inner.update(self._within(state), x, noise), state[-2] + weights, state[-1] + number)

    def features(self, state: WideState) -> Tensor:
        return self.inner.features(self._within(state))

    def readout(self, state: WideState) -> Tensor:
        total, read = state[-2:]
        return self.inner.readout(self._within(state)) + total / read.clamp(min=1).sqrt()

    def _within(self, state: WideState) -> Any:
        return self.state(*state[:-2])
