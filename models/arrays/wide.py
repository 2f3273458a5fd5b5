"""The linear path of words and pairs, beside any network: see models/wide.py.

tokens --inner--> x, state, logits [B, K] --+--> logits [B, K]
       --table, added up over everything read--> total [B, K] / √read
"""

from __future__ import annotations

import numpy as np

from models.arrays.network import Network
from models.arrays.tokens import Floats, Tokens


class Wide(Network):
    """The state is the inner one, then `total [K]` and `read [1]`."""

    def __init__(self, inner: Network, table: Floats, *, words: int, pairs: int) -> None:
        self.inner = inner
        self.table = table
        self.words = words
        self.pairs = pairs
        self.own = table.shape[1] + 1
        self.width = inner.width + self.own

    def encode(self, tokens: Tokens) -> Floats:
        rows = tokens.grams(self.words, self.pairs)
        number = rows.counts[:, None].astype(np.float32)
        return np.concatenate([self.inner.encode(tokens), rows.sums(self.table), number], axis=1)

    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        self.inner.update(state[:, : -self.own], x[:, : -self.own], out[:, : -self.own])
        np.add(state[:, -self.own :], x[:, -self.own :], out=out[:, -self.own :])

    def features(self, state: Floats) -> Floats:
        return self.inner.features(state[:, : -self.own])

    def readout(self, state: Floats) -> Floats:
        total, read = state[:, -self.own : -1], state[:, -1:]
        logits = self.inner.readout(state[:, : -self.own])
        logits += total / np.sqrt(np.maximum(read, 1))
        return logits
