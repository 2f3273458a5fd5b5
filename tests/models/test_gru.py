"""The GRU: its cell against torch's and against one by hand, and its dropout, one mask per sequence."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.contract import Tokens
from models.gru import GRU, GRUCell, GRUState

INPUTS, HIDDEN, BATCH, STEPS = 3, 4, 2, 6


def cell(seed: int = 0) -> GRUCell:
    torch.manual_seed(seed)
    made = GRUCell(INPUTS, HIDDEN)
    for parameter in made.parameters():
        nn.init.normal_(parameter)
    return made


def by_hand(cell: GRUCell, x: list[float], h: list[float]) -> list[float]:
    """The equations of the docstring, one unit at a time."""

    def row(weight: torch.Tensor, bias: torch.Tensor, at: int, seen: list[float]) -> float:
        return sum(w * s for w, s in zip(weight[at].tolist(), seen, strict=True)) + bias[at].item()

    def sigmoid(a: float) -> float:
        return 1 / (1 + math.exp(-a))

    after = []
    for unit in range(cell.hidden):
        from_x = [row(cell.weight_ih, cell.bias_ih, gate * cell.hidden + unit, x) for gate in range(3)]
        from_h = [row(cell.weight_hh, cell.bias_hh, gate * cell.hidden + unit, h) for gate in range(3)]
        r, z = sigmoid(from_x[0] + from_h[0]), sigmoid(from_x[1] + from_h[1])
        n = math.tanh(from_x[2] + r * from_h[2])
        after.append((1 - z) * n + z * h[unit])
    return after


@pytest.mark.parametrize("seed", range(3))
def test_the_cell_is_torchs_and_the_one_by_hand(seed: int) -> None:
    ours, theirs = cell(seed), nn.GRUCell(INPUTS, HIDDEN)
    theirs.load_state_dict(ours.state_dict())
    x, h = torch.randn(BATCH, INPUTS), torch.randn(BATCH, HIDDEN)
    after = ours(x, h)
    assert after.shape == (BATCH, HIDDEN)
    torch.testing.assert_close(after, theirs(x, h))
    for b in range(BATCH):
        assert after[b].tolist() == pytest.approx(by_hand(ours, x[b].tolist(), h[b].tolist()), abs=1e-5)


def test_the_recurrent_mask_hides_h_from_the_gates_and_not_from_what_is_kept() -> None:
    ours = cell()
    x, h = torch.randn(BATCH, INPUTS), torch.randn(BATCH, HIDDEN)
    mask = torch.tensor([[0.0, 2.0, 0.0, 2.0], [2.0, 2.0, 0.0, 0.0]])
    # h' = (1 - z)·n + z·h: the gates and n see h·mask, so the difference to a step from h·mask is z·(h - h·mask).
    z = torch.sigmoid(
        (x @ ours.weight_ih.T + ours.bias_ih + (h * mask) @ ours.weight_hh.T + ours.bias_hh).chunk(3, 1)[1]
    )
    torch.testing.assert_close(ours(x, h, mask), ours(x, h * mask) + z * (h - h * mask))


def gru(dropout: float = 0.0, recurrent_dropout: float = 0.0) -> GRU:
    torch.manual_seed(0)
    return GRU(
        words=5, classes=2, embedding=INPUTS, hidden=HIDDEN, dropout=dropout, recurrent_dropout=recurrent_dropout
    )


def test_noise_has_a_rate_for_what_comes_in_and_one_for_what_goes_round() -> None:
    noise = gru(dropout=0.2, recurrent_dropout=0.5).sample_noise(4000)
    assert noise.shape == (4000, INPUTS + HIDDEN)
    inputs, recurrent = noise.split([INPUTS, HIDDEN], dim=1)
    assert set(inputs.unique().tolist()) == {0.0, 1.25}
    assert set(recurrent.unique().tolist()) == {0.0, 2.0}
    assert (inputs == 0).float().mean().item() == pytest.approx(0.2, abs=0.02)
    assert (recurrent == 0).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert gru().sample_noise(2).tolist() == [[1.0] * (INPUTS + HIDDEN)] * 2


def test_in_training_a_sequence_keeps_its_mask_through_all_steps() -> None:
    model = gru(dropout=0.5, recurrent_dropout=0.5).train()
    x = torch.randn(BATCH, STEPS, INPUTS)
    torch.manual_seed(1)
    _, logits = model.unroll(x)
    torch.manual_seed(1)
    noise = model.sample_noise(BATCH)
    assert not torch.equal(noise[0], noise[1])
    state = model.initial_state(BATCH)
    for s in range(STEPS):
        state = model.update(state, x[:, s], noise)
        torch.testing.assert_close(logits[:, s], model.readout(state))
    assert not torch.equal(model.unroll(x)[1], logits)  # the next unroll has other masks


def test_in_use_there_is_no_noise() -> None:
    noisy, plain = gru(dropout=0.5, recurrent_dropout=0.5).eval(), gru().eval()
    x = torch.randn(BATCH, STEPS, INPUTS)
    assert torch.equal(noisy.unroll(x)[1], plain.unroll(x)[1])


def test_the_readout_is_linear_in_h() -> None:
    model = gru()
    h = torch.randn(BATCH, HIDDEN)
    assert model.features(GRUState(h)) is h
    torch.testing.assert_close(model.readout(GRUState(h)), h @ model.linear.weight.T + model.linear.bias)
    assert model.initial_state(BATCH).h.tolist() == [[0.0] * HIDDEN] * BATCH


def test_every_parameter_is_trained() -> None:
    model = gru().train()
    _, logits = model.unroll(model.encode(Tokens.of([[1, 2], [3], [4, 5], [0]])).view(2, 2, -1))
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
