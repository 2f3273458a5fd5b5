"""Networks that average over everything read: Conv1D and the pooled embedding, see models/mean.py.

tokens --encoder--> sums and their number [N, D + 1] --add--> mean [B, D] --(dense, ReLU), linear--> logits [B, K]
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from models.arrays.network import Linear, Stepped
from models.arrays.tokens import Floats, Tokens, per


class Encoder(Protocol):
    def sums(self, tokens: Tokens) -> Floats:
        """The sum of the features of each sentence's words: `[N, D]`."""


class Summed:
    """The embeddings themselves."""

    def __init__(self, table: Floats) -> None:
        self.table = table

    def sums(self, tokens: Tokens) -> Floats:
        return tokens.words.sums(self.table)


class Mean(Stepped):
    """The state is the sum of all features, and their number last; `dense` and a ReLU come before `linear` if given."""

    def __init__(self, encoder: Encoder, width: int, linear: Linear, dense: Linear | None = None) -> None:
        self.encoder = encoder
        self.width = width + 1
        self.linear = linear
        self.dense = dense

    def encode(self, tokens: Tokens) -> Floats:
        return np.concatenate([self.encoder.sums(tokens), tokens.lengths[:, None]], axis=1, dtype=np.float32)

    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        np.add(state, x, out=out)

    def features(self, state: Floats) -> Floats:
        return per(state[:, :-1], state[:, -1])

    def readout(self, state: Floats) -> Floats:
        seen = self.features(state)
        return self.linear(seen if self.dense is None else np.maximum(self.dense(seen), 0))
