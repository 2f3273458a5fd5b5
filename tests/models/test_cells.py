"""The cells against torch's own, against each by hand, and the worked example of the blackboard."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import nn

from models.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from tests.models.tiny import W

INPUTS, HIDDEN, BATCH, STEPS = 3, 4, 2, 6
Row = Sequence[float]


def cell(kind: type[Cell], seed: int = 0, layer_norm: bool = False) -> Cell:
    torch.manual_seed(seed)
    made = kind(INPUTS, HIDDEN, layer_norm)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


def sigmoid(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def normed(row: Row) -> list[float]:
    middle = sum(row) / len(row)
    spread = math.sqrt(sum((a - middle) ** 2 for a in row) / len(row) + 1e-5)
    return [(a - middle) / spread for a in row]


def sums(cell: Cell, side: str, seen: Row) -> list[list[float]]:
    """Per gate, W seen + b, one unit at a time; normalised and scaled before the bias where the cell has gains."""
    weight, bias = cell.get_parameter(f"weight_{side}").tolist(), cell.get_parameter(f"bias_{side}").tolist()
    gain = getattr(cell, f"gain_{side}")
    products = [sum(w * s for w, s in zip(row, seen, strict=True)) for row in weight]
    gates = [products[start : start + HIDDEN] for start in range(0, len(products), HIDDEN)]
    if gain is not None:
        gains = iter(gain.tolist())
        gates = [[a * next(gains) for a in normed(gate)] for gate in gates]
    biases = iter(bias)
    return [[a + next(biases) for a in gate] for gate in gates]


def rnn_by_hand(cell: Cell, x: Row, memory: Row) -> list[float]:
    (from_x,), (from_h,) = sums(cell, "ih", x), sums(cell, "hh", memory)
    return [math.tanh(a + b) for a, b in zip(from_x, from_h, strict=True)]


def gru_by_hand(cell: Cell, x: Row, memory: Row) -> list[float]:
    from_x, from_h = sums(cell, "ih", x), sums(cell, "hh", memory)
    after = []
    for unit, h in enumerate(memory):
        r, z = (sigmoid(from_x[gate][unit] + from_h[gate][unit]) for gate in (0, 1))
        n = math.tanh(from_x[2][unit] + r * from_h[2][unit])
        after.append((1 - z) * n + z * h)
    return after


def lstm_by_hand(cell: Cell, x: Row, memory: Row) -> list[float]:
    from_x, from_h = sums(cell, "ih", x), sums(cell, "hh", memory[:HIDDEN])
    i, f, g, o = ([a + b for a, b in zip(*sides, strict=True)] for sides in zip(from_x, from_h, strict=True))
    c = [sigmoid(f[u]) * memory[HIDDEN + u] + sigmoid(i[u]) * math.tanh(g[u]) for u in range(HIDDEN)]
    seen = c
    if cell.gain_ih is not None:
        gain, bias = cell.get_parameter("norm.weight").tolist(), cell.get_parameter("norm.bias").tolist()
        seen = [a * w + b for a, w, b in zip(normed(c), gain, bias, strict=True)]
    return [sigmoid(o[u]) * math.tanh(seen[u]) for u in range(HIDDEN)] + c


BY_HAND: dict[type[Cell], Callable[[Cell, Row, Row], list[float]]] = {
    SimpleRNNCell: rnn_by_hand,
    GRUCell: gru_by_hand,
    LSTMCell: lstm_by_hand,
}
TORCHS: dict[type[Cell], Callable[..., nn.RNNBase]] = {SimpleRNNCell: nn.RNN, GRUCell: nn.GRU, LSTMCell: nn.LSTM}
kinds = pytest.mark.parametrize("kind", BY_HAND)


def test_one_step_of_a_simple_rnn() -> None:
    ours = SimpleRNNCell(2, 2)
    weight = torch.tensor(W)
    ours.weight_hh.data, ours.weight_ih.data = weight[:2].T, weight[2:].T
    after = ours(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    assert after.round(decimals=2).tolist() == [pytest.approx([-0.76, 0.91])]


@kinds
@pytest.mark.parametrize("layer_norm", [False, True])
def test_a_step_is_the_one_by_hand(kind: type[Cell], layer_norm: bool) -> None:
    for seed in range(3):
        ours = cell(kind, seed, layer_norm)
        x, memory = torch.randn(BATCH, INPUTS), torch.randn(BATCH, ours.memory)
        after = ours(x, memory)
        assert after.shape == (BATCH, ours.memory)
        for b in range(BATCH):
            wanted = BY_HAND[kind](ours, x[b].tolist(), memory[b].tolist())
            assert after[b].tolist() == pytest.approx(wanted, abs=1e-4)


@kinds
def test_a_sequence_is_torchs(kind: type[Cell]) -> None:
    ours, theirs = cell(kind), TORCHS[kind](INPUTS, HIDDEN, batch_first=True)
    theirs.load_state_dict({f"{name}_l0": weight for name, weight in ours.state_dict().items()})
    x = torch.randn(BATCH, STEPS, INPUTS)
    wanted, last = theirs(x)
    memory = x.new_zeros(BATCH, ours.memory)
    for t in range(STEPS):
        memory = ours(x[:, t], memory)
        torch.testing.assert_close(memory[:, :HIDDEN], wanted[:, t])
    parts = last if isinstance(last, tuple) else (last,)
    torch.testing.assert_close(memory, torch.cat([part[0] for part in parts], dim=1))


@kinds
@pytest.mark.parametrize("layer_norm", [False, True])
def test_the_mask_hides_h_from_the_sums_and_from_nothing_else(kind: type[Cell], layer_norm: bool) -> None:
    ours = cell(kind, layer_norm=layer_norm)
    x, memory = torch.randn(BATCH, INPUTS), torch.randn(BATCH, ours.memory)
    mask = torch.tensor([[0.0, 2.0, 0.0, 2.0], [2.0, 2.0, 0.0, 0.0]])
    masked = ours(x, memory, mask)
    hidden = torch.cat([memory[:, :HIDDEN] * mask, memory[:, HIDDEN:]], dim=1)
    wanted = ours(x, hidden)
    if kind is GRUCell:
        # h' = (1 - z)·n + z·h: the last h is not masked, so what a step from h·mask lacks is z·(h - h·mask).
        from_x, from_h = (
            torch.tensor([sums(ours, side, row.tolist())[1] for row in seen])
            for side, seen in (("ih", x), ("hh", hidden))
        )
        wanted = wanted + torch.sigmoid(from_x + from_h) * (memory - hidden)
    torch.testing.assert_close(masked, wanted, atol=1e-5, rtol=1e-5)


def test_an_lstm_begins_by_remembering() -> None:
    ours = LSTMCell(INPUTS, HIDDEN)
    assert (ours.bias_ih + ours.bias_hh).tolist() == [0.0] * HIDDEN + [1.0] * HIDDEN + [0.0] * 2 * HIDDEN
