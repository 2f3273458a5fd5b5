"""Stacks of cells: against torch's own stacks and against layers by hand, and dropout, one mask per sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from models.contract import Tokens
from models.convolutions import KERNELS
from models.recurrent import GRU, LSTM, Recurrent, RecurrentState, SimpleRNN
from models.vocabulary import Vocabulary

INPUTS, HIDDEN, BATCH, STEPS = 3, 4, 2, 6
TORCHS: dict[type[Recurrent], Callable[..., nn.RNNBase]] = {SimpleRNN: nn.RNN, GRU: nn.GRU, LSTM: nn.LSTM}
kinds = pytest.mark.parametrize("kind", TORCHS)


def stack(kind: type[Recurrent] = GRU, **sizes: Any) -> Recurrent:
    torch.manual_seed(0)
    return kind(words=5, classes=2, embedding=INPUTS, hidden=HIDDEN, **sizes)


def sequences() -> torch.Tensor:
    return torch.randn(BATCH, STEPS, INPUTS, generator=torch.Generator().manual_seed(7))


@kinds
@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_plain_stack_is_torchs(kind: type[Recurrent], layers: int) -> None:
    ours, theirs = stack(kind, layers=layers), TORCHS[kind](INPUTS, HIDDEN, layers, batch_first=True)
    weights = {f"{n}_l{i}": w for i, cell in enumerate(ours.cells) for n, w in cell.state_dict().items()}
    theirs.load_state_dict(weights)
    wanted, _ = theirs(sequences())
    state = ours.initial_state(BATCH)
    for t in range(STEPS):
        state = ours.update(state, sequences()[:, t])
        torch.testing.assert_close(ours.features(state), wanted[:, t])
    torch.testing.assert_close(ours.unroll(sequences())[1], ours.linear(wanted))


@kinds
@pytest.mark.parametrize("connection", ["residual", "highway"])
def test_a_connected_stack_is_its_layers_one_by_one(kind: type[Recurrent], connection: str) -> None:
    ours = stack(kind, layers=3, connection=connection, layer_norm=1)
    state = ours.initial_state(BATCH)
    memories = list(state.memory.unbind(dim=1))
    for t in range(STEPS):
        state = ours.update(state, sequences()[:, t])
        memories[0] = ours.cells[0](sequences()[:, t], memories[0])
        x = memories[0][:, :HIDDEN]
        for layer in (1, 2):
            memories[layer] = ours.cells[layer](x, memories[layer])
            h = memories[layer][:, :HIDDEN]
            if connection == "residual":
                x = x + h
            else:
                transform = ours.get_submodule(f"connections.{layer - 1}.transform")
                gate = torch.sigmoid(transform(x))
                x = h * gate + x * (1 - gate)
        torch.testing.assert_close(ours.features(state), x)
        torch.testing.assert_close(ours.readout(state), ours.linear(x))


@kinds
def test_the_highest_layer_of_no_effect_leaves_what_lies_below(kind: type[Recurrent]) -> None:
    lower, higher = stack(kind, layers=2, connection="residual"), stack(kind, layers=3, connection="residual")
    higher.load_state_dict(lower.state_dict(), strict=False)
    for parameter in higher.cells[2].parameters():
        nn.init.zeros_(parameter)
    torch.testing.assert_close(higher.unroll(sequences())[1], lower.unroll(sequences())[1])


def test_noise_has_a_rate_for_what_comes_in_and_one_for_what_goes_round() -> None:
    noise = stack(layers=2, dropout=0.2, recurrent_dropout=0.5).sample_noise(4000)
    assert noise is not None
    widths = [INPUTS, HIDDEN, HIDDEN, HIDDEN]
    for part, rate in zip(noise.split(widths, dim=1), (0.2, 0.5, 0.2, 0.5), strict=True):
        assert part.unique().tolist() == pytest.approx([0, 1 / (1 - rate)])
        assert (part == 0).float().mean().item() == pytest.approx(rate, abs=0.02)
    assert torch.equal(stack().sample_noise(2), torch.ones(2, INPUTS + HIDDEN))


@kinds
def test_in_training_a_sequence_keeps_its_mask_through_all_steps(kind: type[Recurrent]) -> None:
    model = stack(kind, layers=2, dropout=0.5, recurrent_dropout=0.5).train()
    x = sequences()
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


@kinds
def test_a_mask_hides_its_inputs_of_every_layer(kind: type[Recurrent]) -> None:
    model = stack(kind, layers=2)
    state = model.update(model.initial_state(BATCH), sequences()[:, 0])
    noise = torch.ones(BATCH, sum(model.masks))
    torch.testing.assert_close(model.update(state, sequences()[:, 1], noise), model.update(state, sequences()[:, 1]))
    first = noise.clone()
    first[:, :INPUTS] = 0
    silent = torch.zeros(BATCH, INPUTS)
    torch.testing.assert_close(model.update(state, sequences()[:, 1], first), model.update(state, silent))
    second = noise.clone()
    second[:, INPUTS + HIDDEN : INPUTS + 2 * HIDDEN] = 0
    after = model.update(state, sequences()[:, 1], second).memory[:, 1]
    torch.testing.assert_close(after, model.cells[1](torch.zeros(BATCH, HIDDEN), state.memory[:, 1]))


@kinds
def test_in_use_there_is_no_noise(kind: type[Recurrent]) -> None:
    noisy, plain = stack(kind, dropout=0.5, recurrent_dropout=0.5).eval(), stack(kind).eval()
    assert torch.equal(noisy.unroll(sequences())[1], plain.unroll(sequences())[1])


def test_the_readout_is_linear_in_h() -> None:
    model = stack()
    h = torch.randn(BATCH, HIDDEN)
    state = RecurrentState(h.unsqueeze(1))
    assert torch.equal(model.features(state), h)
    torch.testing.assert_close(model.readout(state), h @ model.linear.weight.T + model.linear.bias)
    assert not model.initial_state(BATCH).memory.any()


@kinds
@pytest.mark.parametrize("connection", ["plain", "highway"])
def test_every_parameter_is_trained(kind: type[Recurrent], connection: str) -> None:
    model = stack(kind, layers=2, connection=connection, layer_norm=1).train()
    _, logits = model.unroll(model.encode(Tokens.of([[1, 2], [3], [4, 5], [0]])).view(2, 2, -1))
    logits.square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_a_sentence_is_its_vector_times_a_power_of_its_length() -> None:
    tokens = Tokens.of([[1, 2, 3, 4], [], [5]])
    mean, grown = stack().encode(tokens), stack(length=0.5).encode(tokens)
    torch.testing.assert_close(grown, mean * torch.tensor([[2.0], [0.0], [1.0]]))


def test_a_bow_is_the_count_vector_times_w_x() -> None:
    vocabulary = Vocabulary(["the", "cat", "sat", "on", "mat"])
    texts = ["The cat sat on the mat.", "the the"]
    model = stack(encoder="bow")
    x = model.encode(Tokens.of([vocabulary.ids(text) for text in texts]))
    counts = torch.from_numpy(vocabulary.texts_to_matrix(texts, "count"))
    w_x = model.encoder.embedding.weight[1:]
    torch.testing.assert_close(x, counts @ w_x)
    torch.testing.assert_close(x[0], w_x[[0, 1, 2, 3, 0, 4]].sum(0))


def test_an_inception_is_the_mean_of_its_features() -> None:
    model = stack(encoder="inception")
    x = model.encode(Tokens.of([[1, 2, 3], []]))
    assert x.shape == (2, len(KERNELS) * INPUTS)
    assert model.cells[0].weight_ih.shape == (3 * HIDDEN, len(KERNELS) * INPUTS)
    assert x[0].any()
    assert not x[1].any()
    with pytest.raises(ValueError, match="set pairs = 0"):
        stack(encoder="inception", pairs=9)
