"""What the families have in common that average over everything read so far.

tokens --encoder--> sums and their number [N, D + 1] --add--> mean [B, D] --dropout, linear--> logits [B, K]
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.encoders import mean


class MeanState(NamedTuple):
    """`total [B, D + 1]`: the features of every position read, added up, and the positions' number."""

    total: Tensor


class Mean(Classifier[MeanState]):
    """An encoder of sums `[N, D + 1]`, and a linear readout of their mean; dropout before it."""

    def __init__(self, encoder: nn.Module, width: int, linear: nn.Linear, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = width
        self.dropout = nn.Dropout(dropout)
        self.linear = linear

    def initial_state(self, batch: int) -> MeanState:
        return MeanState(self.linear.weight.new_zeros(batch, self.width + 1))

    def encode(self, tokens: Tokens) -> Tensor:
        return self.encoder(tokens)

    def update(self, state: MeanState, x: Tensor, noise: Tensor | None = None) -> MeanState:
        return MeanState(state.total + x)

    def features(self, state: MeanState) -> Tensor:
        """The mean over the positions read, `[B, D]`; zero where there were none."""
        return mean(state.total)

    def readout(self, state: MeanState) -> Tensor:
        return self.linear(self.dropout(self.features(state)))
