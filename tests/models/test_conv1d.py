"""Conv1D: the mean over everything that was read so far, and dropout before the readout in training only."""

from __future__ import annotations

import torch

from models.contract import Tokens
from models.conv1d import Conv1D
from models.convolutions import KERNELS

FILTERS = 4
SENTENCES = [[1, 2, 3], [], [4, 5, 1, 1, 2, 3, 4], [2]]


def conv1d(dropout: float = 0.0) -> Conv1D:
    torch.manual_seed(0)
    return Conv1D(words=5, classes=2, embedding=3, filters=FILTERS, dropout=dropout).eval()


def test_features_are_the_mean_over_all_positions_so_far() -> None:
    model = conv1d()
    state, read = model.initial_state(1), []
    for sentence in SENTENCES:
        state, _ = model.step(state, Tokens.of([sentence]))
        read.append(sentence)
        whole = model.encode(Tokens.of(read)).sum(0)
        positions = sum(map(len, read))
        assert state.total[0, -1] == positions
        assert model.features(state).shape == (1, len(KERNELS) * FILTERS)
        torch.testing.assert_close(model.features(state)[0], whole[:-1] / positions)
        torch.testing.assert_close(
            model.readout(state), model.features(state) @ model.linear.weight.T + model.linear.bias
        )


def test_a_mean_over_nothing_is_zero_and_the_prior_the_bias() -> None:
    model = conv1d()
    empty = model.initial_state(2)
    assert model.features(empty).tolist() == [[0.0] * len(KERNELS) * FILTERS] * 2
    assert torch.equal(model.readout(empty), model.linear.bias.expand(2, -1))
    after, _ = model.step(empty, Tokens.of([[], []]))
    assert torch.equal(after.total, empty.total)


def test_dropout_is_before_the_readout_and_in_training_only() -> None:
    model = conv1d(dropout=0.5)
    state, _ = model.step(model.initial_state(1), Tokens.of([[1, 2, 3]]))
    assert torch.equal(model.readout(state), conv1d().readout(state))
    model.train()
    torch.manual_seed(1)
    logits = model.readout(state)
    torch.manual_seed(1)
    torch.testing.assert_close(logits, model.linear(torch.dropout(model.features(state), 0.5, True)))
    assert not torch.equal(model.readout(state), logits)


def test_every_parameter_is_trained() -> None:
    model = conv1d().train()
    _, logits = model.unroll(model.encode(Tokens.of(SENTENCES)).view(2, 2, -1))
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
