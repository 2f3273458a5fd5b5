"""The contract: step and unroll against a cell by hand, and every family's shapes, states and prior."""

from __future__ import annotations

import pytest
import torch

from models.contract import Tokens, stack
from tests.models.tiny import SIZES, Toy, ToyState, classifier, rnn_step

SENTENCES = [[1, 2, 3], [], [4], [5, 0, 5, 6, 7, 8, 9, 10], [2, 2], [11, 12]]


def test_one_step_of_a_simple_rnn() -> None:
    by_hand = rnn_step((0, 1), (1, 0))
    assert [round(number, 2) for number in by_hand] == [-0.76, 0.91]
    state, logits = Toy().step(Toy().initial_state(1), Tokens.of([[1]]))
    assert state.h.tolist() == logits.tolist() == [pytest.approx(by_hand)]


def test_unroll_gives_the_numbers_of_the_cell_by_hand_after_every_step() -> None:
    x = [[(1, 0), (0, 1), (2, 1)], [(0, 0), (0, 3), (1, 0)]]
    state, logits = Toy().unroll(torch.tensor(x, dtype=torch.float32))
    assert logits.shape == (2, 3, 2)
    for b, row in enumerate(x):
        h: tuple[float, ...] = (0, 1)
        for s, seen in enumerate(row):
            h = rnn_step(h, seen)
            assert logits[b, s].tolist() == pytest.approx(h, abs=1e-6)
        assert state.h[b].tolist() == pytest.approx(h, abs=1e-6)


def test_unroll_goes_on_from_a_state() -> None:
    x = torch.randn(3, 5, 2, generator=torch.Generator().manual_seed(0))
    whole_state, whole = Toy().unroll(x)
    state, first = Toy().unroll(x[:, :2])
    state, second = Toy().unroll(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)
    torch.testing.assert_close(state, whole_state)


def test_stack_puts_the_steps_of_a_sequence_next_to_one_another() -> None:
    steps = [ToyState(torch.tensor([[b, s]])) for b, s in [(0, 0), (0, 1)]]
    both = [ToyState(torch.cat([step.h, step.h + torch.tensor([[1, 0]])])) for step in steps]
    assert stack(both).h.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_tokens_know_their_sentence() -> None:
    tokens = Tokens.of([[7, 8], [], [9]])
    assert (tokens.ids.tolist(), tokens.lengths.tolist()) == ([7, 8, 9], [2, 0, 1])
    assert tokens.sentence.tolist() == [0, 0, 2]
    assert tokens.ids.dtype == tokens.sentence.dtype == torch.int64
    assert Tokens.of([]).sentence.shape == (0,)


@pytest.mark.parametrize("family", SIZES)
def test_shapes(family: str) -> None:
    classes = 2 if "wide" in SIZES[family] else 3
    model = classifier(family, classes=classes)
    x = model.encode(Tokens.of(SENTENCES))
    assert x.shape[0] == len(SENTENCES)
    state = model.initial_state(len(SENTENCES))
    width = model.features(state).shape[1]
    after = model.update(state, x)
    assert [part.shape for part in after] == [part.shape for part in state]
    assert {part.dtype for part in after} == {torch.float32}
    assert model.features(after).shape == (len(SENTENCES), width)
    assert model.readout(after).shape == (len(SENTENCES), classes)
    _, logits = model.unroll(x.view(2, 3, -1))
    assert logits.shape == (2, 3, classes)


@pytest.mark.parametrize("family", SIZES)
def test_no_sentences_and_empty_sentences_are_legal(family: str) -> None:
    model = classifier(family)
    assert len(model.encode(Tokens.of([]))) == 0
    x = model.encode(Tokens.of([[], []]))
    assert len(x) == 2
    assert not x.any()


@pytest.mark.parametrize("family", SIZES)
def test_a_module_keeps_no_state(family: str) -> None:
    model = classifier(family)
    x = model.encode(Tokens.of(SENTENCES)).view(2, 3, -1)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _, once = model.unroll(x)
    _, again = model.unroll(x)
    assert torch.equal(once, again)
    torch.testing.assert_close(model.state_dict(), before, atol=0, rtol=0)
