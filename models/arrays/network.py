"""What every network is here: the functions of models/contract.py around a flat state.

    states [B, P], tokens --advance: encode, then an update each--> states [N, P] --features, readout--> logits [N, K]

A state is `[B, P]` float32: the numbers that the torch module has in a tuple, one part after another, which is also
how its bytes lie. All that are here begin with zeros.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import accumulate

from models.arrays.tokens import Floats, Tokens


class Network(ABC):
    """A classifier ready to be served."""

    width: int
    """P, the numbers of a state."""

    @abstractmethod
    def advance(self, state: Floats, tokens: Tokens, widths: Sequence[int], out: Floats) -> None:
        """Writes to `out [N, P]` the states after each of N sentences, given step by step: each step is the next
        sentence of the first `width` sequences, which begin at `state [B, P]`."""

    @abstractmethod
    def features(self, state: Floats) -> Floats:
        """What the readout sees: `[B, H]`."""

    @abstractmethod
    def readout(self, state: Floats) -> Floats:
        """Logits `[B, K]`."""


class Stepped(Network):
    """One that encodes all sentences at once, and then takes them one step each."""

    def advance(self, state: Floats, tokens: Tokens, widths: Sequence[int], out: Floats) -> None:
        x = self.encode(tokens)
        for before, here, now in steps(state, widths, out):
            self.update(before, x[here], now)

    @abstractmethod
    def encode(self, tokens: Tokens) -> Floats:
        """Sentence vectors `[N, D]`, with everything in them that needs no state."""

    @abstractmethod
    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        """Writes the state after one more sentence each, from `state [B, P]` and `x [B, D]` to `out [B, P]`."""


def steps(state: Floats, widths: Sequence[int], out: Floats) -> Iterator[tuple[Floats, slice, Floats]]:
    """For each step the states before it, where its sentences stand among all N, and their part of `out [N, P]`."""
    for width, end in zip(widths, accumulate(widths), strict=True):
        here = slice(end - width, end)
        yield state[:width], here, out[here]
        state = out[here]


class Linear:
    """x W^T + b; W is kept transposed, which a single row is multiplied by faster."""

    def __init__(self, weight: Floats, bias: Floats) -> None:
        self.weight = weight.T.copy()
        self.bias = bias

    def __call__(self, x: Floats) -> Floats:
        y: Floats = x @ self.weight
        y += self.bias
        return y
