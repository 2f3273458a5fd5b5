"""What every network is here: the three functions of models/contract.py around a flat state.

    encode(tokens) -> x [N, D]               update(state, x) -> state        readout(state) -> logits [N, K]

A state is `[B, P]` float32: the numbers that the torch module has in a tuple, one part after another, which is also
how its bytes lie. All that are here begin with zeros.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from models.arrays.tokens import Floats, Tokens


class Network(ABC):
    """A classifier ready to be served."""

    width: int
    """P, the numbers of a state."""

    @abstractmethod
    def encode(self, tokens: Tokens) -> Floats:
        """Sentence vectors `[N, D]`, with everything in them that needs no state."""

    @abstractmethod
    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        """Writes the state after one more sentence each, from `state [B, P]` and `x [B, D]` to `out [B, P]`."""

    @abstractmethod
    def features(self, state: Floats) -> Floats:
        """What the readout sees: `[B, H]`."""

    @abstractmethod
    def readout(self, state: Floats) -> Floats:
        """Logits `[B, K]`."""


class Linear:
    """x W^T + b; W is kept transposed, which a single row is multiplied by faster."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self.weight = weight.T.copy()
        self.bias = bias

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self.weight
        y += self.bias
        return y
