"""A linear model of words and pairs beside a classifier of any family.

tokens --inner--> x, state, logits [B, K] --+--> logits [B, K]
       --table, added up over everything read--> total [B, K]
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.encoders import grams
from models.vocabulary import Vocabulary

WideState = tuple[Tensor, ...]
"""The tensors of the inner state, and `total [B, K]` last: the weights of every word and pair read, added up."""


class Wide(Classifier[WideState]):
    """`inner`, and a weight per class for every word and hashed word pair (Cheng et al. 2016).

    The table is fitted after the inner classifier (training/wide.py), so training does not see it: it is zero
    until then.
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
        return (*self.inner.initial_state(batch), self.table.weight.new_zeros(batch, self.table.embedding_dim))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, D + K]`: the inner vector, and the sum of the weights of the sentence's words and pairs."""
        x = self.inner.encode(tokens)
        if self.training:
            return F.pad(x, (0, self.table.embedding_dim))
        ids, starts = grams(tokens, self.words, self.pairs)
        weights = F.embedding_bag(ids, self.table.weight, starts, mode="sum")
        return torch.cat([x, weights], dim=1)

    def prepare(self, vocabulary: Vocabulary) -> None:
        self.inner.prepare(vocabulary)

    def room(self, state: WideState) -> Tensor | None:
        return self.inner.room(self._within(state))

    def sample_noise(self, batch: int) -> Tensor | None:
        return self.inner.sample_noise(batch)

    def update(self, state: WideState, x: Tensor, noise: Tensor | None = None) -> WideState:
        x, weights = x.tensor_split([x.shape[1] - self.table.embedding_dim], dim=1)
        return (*self.inner.update(self._within(state), x, noise), state[-1] + weights)

    def features(self, state: WideState) -> Tensor:
        return self.inner.features(self._within(state))

    def readout(self, state: WideState) -> Tensor:
        return self.inner.readout(self._within(state)) + state[-1]

    def _within(self, state: WideState) -> Any:
        return self.state(*state[:-1])
