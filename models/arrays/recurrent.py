"""Sentence vectors through a stack of recurrent layers: see models/recurrent.py and models/cells.py.

tokens --encoder, W_ih--> a sum per gate [N, G·H] --cell, connection, cell, …--> memory [B, L·M] --linear--> [B, K]
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import ClassVar

import numpy as np

from models.arrays.network import Linear, Stepped
from models.arrays.tokens import Floats, Tokens
from models.arrays.weights import Weights


class Cell(ABC):
    """One layer; `inputs` is what needs no state, and so goes into `encode` for the lowest."""

    gates: ClassVar[int]
    parts: ClassVar[int] = 1

    def __init__(self, weights: Weights, inputs: int, hidden: int, *, layer_norm: bool) -> None:
        rows = self.gates * hidden
        self.hidden = hidden
        self.width = self.parts * hidden
        kinds = (("ih", inputs), ("hh", hidden))
        w = {kind: weights.take(f"weight_{kind}", rows, of) for kind, of in kinds}
        b = {kind: weights.take(f"bias_{kind}", rows) for kind, _ in kinds}
        if layer_norm:
            gains = {kind: weights.take(f"gain_{kind}", rows) for kind, _ in kinds}
            self.inputs: Callable[[Floats], Floats] = Normed(w["ih"], b["ih"], gains["ih"], hidden)
            self.recurrents: Callable[[Floats], Floats] = Normed(w["hh"], b["hh"], gains["hh"], hidden)
        else:
            self.inputs = Linear(w["ih"], b["ih"])
            self.recurrents = Linear(w["hh"], b["hh"])

    def h(self, memory: Floats) -> Floats:
        """The h `[B, H]` of a memory `[B, M]`."""
        return memory[:, : self.hidden]

    @abstractmethod
    def step(self, inputs: Floats, memory: Floats, out: Floats) -> None:
        """Writes the next memory to `out [B, M]`, from `inputs [B, G·H]` and `memory [B, M]`."""


class SimpleRNNCell(Cell):
    gates = 1

    def step(self, inputs: Floats, memory: Floats, out: Floats) -> None:
        np.tanh(inputs + self.recurrents(memory), out=out)


class GRUCell(Cell):
    gates = 3

    def step(self, inputs: Floats, memory: Floats, out: Floats) -> None:
        first = 2 * self.hidden
        recurrents = self.recurrents(memory)
        r_z = sigmoid(inputs[:, :first] + recurrents[:, :first])
        n = recurrents[:, first:]
        n *= r_z[:, : self.hidden]
        n += inputs[:, first:]
        np.tanh(n, out=n)
        # n + z (h - n), which is (1 - z) n + z h.
        np.subtract(memory, n, out=out)
        out *= r_z[:, self.hidden :]
        out += n


class LSTMCell(Cell):
    gates = 4
    parts = 2

    def __init__(self, weights: Weights, inputs: int, hidden: int, *, layer_norm: bool) -> None:
        super().__init__(weights, inputs, hidden, layer_norm=layer_norm)
        self.norm = None
        if layer_norm:
            self.norm = (weights.take("norm.weight", hidden), weights.take("norm.bias", hidden))

    def step(self, inputs: Floats, memory: Floats, out: Floats) -> None:
        i, f, g, o = np.split(inputs + self.recurrents(self.h(memory)), 4, axis=1)
        c = sigmoid(f) * memory[:, self.hidden :] + sigmoid(i) * np.tanh(g)
        seen = c if self.norm is None else normal(c) * self.norm[0] + self.norm[1]
        np.multiply(sigmoid(o), np.tanh(seen), out=out[:, : self.hidden])
        out[:, self.hidden :] = c


class Normed:
    """W x normalised over each gate's units, times a gain, plus b (Ba et al. 2016)."""

    def __init__(self, weight: Floats, bias: Floats, gain: Floats, hidden: int) -> None:
        self.weight = weight.T.copy()
        self.bias = bias
        self.gain = gain
        self.hidden = hidden

    def __call__(self, x: Floats) -> Floats:
        sums: Floats = x @ self.weight
        by_gate = normal(sums.reshape(len(x), sums.shape[1] // self.hidden, self.hidden))
        return by_gate.reshape(sums.shape) * self.gain + self.bias


class Highway:
    """F(x) · T + x · (1 - T), T = σ(W x + b)."""

    def __init__(self, weights: Weights, width: int) -> None:
        self.transform = Linear(weights.take("transform.weight", width, width), weights.take("transform.bias", width))

    def __call__(self, x: Floats, f: Floats) -> Floats:
        return x + sigmoid(self.transform(x)) * (f - x)


def plain(x: Floats, f: Floats) -> Floats:  # noqa: ARG001 - all connections are asked with both
    return f


def residual(x: Floats, f: Floats) -> Floats:
    return x + f


Connection = Callable[[Floats, Floats], Floats]


class Recurrent(Stepped):
    """The state is each layer's memory, one after another."""

    def __init__(
        self,
        vectors: Callable[[Tokens], Floats],
        cells: Sequence[Cell],
        connections: Sequence[Connection],
        linear: Linear,
        length: float,
    ) -> None:
        self.vectors = vectors
        self.cells = cells
        self.connections = connections
        self.linear = linear
        self.length = length
        ends = list(accumulate(cell.width for cell in cells))
        self.width = ends[-1]
        self.parts = [slice(end - cell.width, end) for cell, end in zip(cells, ends, strict=True)]
        """Where each layer's memory lies in a state."""

    def encode(self, tokens: Tokens) -> Floats:
        """`[N, G·H]`: the sums of the lowest cell's gates."""
        x = self.vectors(tokens)
        if self.length:
            x *= np.power(tokens.lengths, self.length, dtype=np.float32)[:, None]
        return self.cells[0].inputs(x)

    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        self.cells[0].step(x, state[:, self.parts[0]], out[:, self.parts[0]])
        for layer in range(1, len(self.cells)):
            part = self.parts[layer]
            inputs = self.cells[layer].inputs(self._given_on(out, layer - 1))
            self.cells[layer].step(inputs, state[:, part], out[:, part])

    def features(self, state: Floats) -> Floats:
        """What the top layer gives on, `[B, H]`."""
        return self._given_on(state, len(self.cells) - 1)

    def readout(self, state: Floats) -> Floats:
        return self.linear(self.features(state))

    def _given_on(self, state: Floats, layer: int) -> Floats:
        """A layer's h, connected with what came in; the lowest gives on its h."""
        h = self.cells[layer].h(state[:, self.parts[layer]])
        return self.connections[layer - 1](self._given_on(state, layer - 1), h) if layer else h


def sigmoid(x: Floats) -> Floats:
    """σ(x) = (1 + tanh(x / 2)) / 2, in place."""
    x *= 0.5
    np.tanh(x, out=x)
    x *= 0.5
    x += 0.5
    return x


def normal(x: Floats) -> Floats:
    """`x` less its mean over the last axis, over its deviation: torch's layer_norm without gain and bias."""
    away = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(away / np.sqrt((away * away).mean(axis=-1, keepdims=True) + 1e-5), dtype=np.float32)
