"""One step of a recurrence: what was remembered and what comes in, to what is remembered next.

x [B, D], memory [B, M] --W_ih x, W_hh h--> a sum per gate [B, G·H] each --the cell's equations--> memory [B, M]

The first H numbers of a memory are h; an LSTM has its c [B, H] after it, so there M = 2H, else M = H.
Weights lie as in torch's own cells and have their names.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cell(nn.Module, ABC):
    """Weights and sums, which all cells have in common; a subclass has the equations.

    With `layer_norm` the two sums of every gate, W_ih x and W_hh h, are normalised over its H units before their
    bias is added (Ba et al. 2016, equations 20 to 31, each gate by itself; the biases are the paper's β).
    """

    gates: ClassVar[int]
    parts: ClassVar[int] = 1

    def __init__(self, inputs: int, hidden: int, layer_norm: bool = False) -> None:
        super().__init__()
        self.hidden = hidden
        self.memory = self.parts * hidden
        self.weight_ih = nn.Parameter(torch.empty(self.gates * hidden, inputs))
        self.weight_hh = nn.Parameter(torch.empty(self.gates * hidden, hidden))
        self.bias_ih = nn.Parameter(torch.zeros(self.gates * hidden))
        self.bias_hh = nn.Parameter(torch.zeros(self.gates * hidden))
        for gate in range(self.gates):
            rows = slice(gate * hidden, (gate + 1) * hidden)
            nn.init.xavier_uniform_(self.weight_ih.data[rows])
            nn.init.orthogonal_(self.weight_hh.data[rows])
        self.gain_ih = nn.Parameter(torch.ones(self.gates * hidden)) if layer_norm else None
        self.gain_hh = nn.Parameter(torch.ones(self.gates * hidden)) if layer_norm else None

    def forward(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x [B, D]`, `memory [B, M]` -> `[B, M]`; `mask [B, H]` on h is that of variational dropout."""
        h = self.h(memory)
        inputs = self._sums(x, self.weight_ih, self.bias_ih, self.gain_ih)
        recurrents = self._sums(h if mask is None else h * mask, self.weight_hh, self.bias_hh, self.gain_hh)
        return self.gate(inputs, recurrents, memory)

    @classmethod
    def h(cls, memory: Tensor) -> Tensor:
        """The h `[B, H]` of a memory `[B, M]`."""
        return memory if cls.parts == 1 else memory[:, : memory.shape[1] // cls.parts]

    @abstractmethod
    def gate(self, inputs: Tensor, recurrents: Tensor, memory: Tensor) -> Tensor:
        """The equations: from the sums of all gates, `[B, G·H]` each, to the next memory."""

    def _sums(self, seen: Tensor, weight: Tensor, bias: Tensor, gain: Tensor | None) -> Tensor:
        # In mixed precision the product comes with 16 bits; all that is made of it has as many as the weights.
        if gain is None:
            return F.linear(seen, weight, bias).to(weight.dtype)
        by_gate = F.linear(seen, weight).to(weight.dtype).unflatten(1, (self.gates, self.hidden))
        return F.layer_norm(by_gate, (self.hidden,)).flatten(1) * gain + bias


class SimpleRNNCell(Cell):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) (Elman 1990)."""

    gates = 1

    def gate(self, inputs: Tensor, recurrents: Tensor, memory: Tensor) -> Tensor:
        return torch.tanh(inputs + recurrents)


class GRUCell(Cell):
    """Cho et al. 2014, in the form of torch's own nn.GRUCell.

    r = σ(W_ir x + b_ir + W_hr h + b_hr)            z = σ(W_iz x + b_iz + W_hz h + b_hz)
    n = tanh(W_in x + b_in + r · (W_hn h + b_hn))   h' = (1 - z) · n + z · h
    """

    gates = 3

    def gate(self, inputs: Tensor, recurrents: Tensor, memory: Tensor) -> Tensor:
        first = 2 * self.hidden
        r, z = torch.sigmoid(inputs[:, :first] + recurrents[:, :first]).chunk(2, dim=1)
        n = torch.tanh(inputs[:, first:] + r * recurrents[:, first:])
        return torch.lerp(n, memory, z)


class LSTMCell(Cell):
    """Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000, as torch's own nn.LSTMCell.

    i, f, o = σ(W x + b + W h + b)    g = tanh(W x + b + W h + b)    c' = f · c + i · g    h' = o · tanh(c')

    The forget gate's bias begins at 1 (Jozefowicz et al. 2015), so that it begins by remembering. With
    `layer_norm`, tanh sees c' normalised.
    """

    gates = 4
    parts = 2

    def __init__(self, inputs: int, hidden: int, layer_norm: bool = False) -> None:
        super().__init__(inputs, hidden, layer_norm)
        nn.init.ones_(self.bias_ih.data[hidden : 2 * hidden])
        self.norm = nn.LayerNorm(hidden) if layer_norm else None

    def gate(self, inputs: Tensor, recurrents: Tensor, memory: Tensor) -> Tensor:
        i, f, g, o = (inputs + recurrents).chunk(4, dim=1)
        c = torch.sigmoid(f) * memory[:, self.hidden :] + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c if self.norm is None else self.norm(c))
        return torch.cat([h, c], dim=1)
