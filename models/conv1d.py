"""Parallel convolutions whose ReLU features are averaged over everything read so far.

words --InceptionEncoder--> sums and their number [N, 3F + 1] --add--> mean [B, 3F] --linear--> logits [B, K]
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.encoders import KERNELS, InceptionEncoder, mean


class Conv1DState(NamedTuple):
    """`total [B, 3F + 1]`: the features of every position read, added up, and the positions' number."""

    total: Tensor


class Conv1D(Classifier[Conv1DState]):
    """Inception: kernels 3, 5 and 7 side by side, the mean of each, a dense layer with dropout."""

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        embedding: int = 64,
        filters: int = 50,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = InceptionEncoder(words, embedding, filters, word_dropout)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(len(KERNELS) * filters, classes)

    def initial_state(self, batch: int) -> Conv1DState:
        return Conv1DState(self.linear.weight.new_zeros(batch, self.linear.in_features + 1))

    def encode(self, tokens: Tokens) -> Tensor:
        return self.encoder(tokens)

    def update(self, state: Conv1DState, x: Tensor, noise: Tensor | None = None) -> Conv1DState:
        return Conv1DState(state.total + x)

    def features(self, state: Conv1DState) -> Tensor:
        """The mean over the positions read, `[B, 3F]`; zero where there were none."""
        return mean(state.total)

    def readout(self, state: Conv1DState) -> Tensor:
        return self.linear(self.dropout(self.features(state)))
