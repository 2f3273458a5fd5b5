"""The linear path in which a word counts once: against plain Python, in both engines, and when its memory is full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.arrays.build import build as build_arrays
from models.arrays.once import FEW, SLOTS
from models.arrays.tokens import Tokens as ArrayTokens
from models.contract import Tokens
from models.encoders import grams
from models.families import build
from models.once import Once

WORDS = 3000
SIZES: dict[str, Any] = {"pairs": 50, "embedding": 4, "hidden": 4, "wide": "once"}
# 5 twice in a sentence; 2053 has its slot in a later one, 30 and 1054 share theirs in one; 0 is unknown.
SENTENCES = [[5, 7, 5, 0], [], [7, 2053, 9], [0], [30, 1054, 30, 31]]


def once(pairs: int = 50) -> Once:
    torch.manual_seed(2)
    model = build("gru", words=WORDS, classes=2, sizes=SIZES | {"pairs": pairs})
    assert isinstance(model, Once)
    torch.nn.init.normal_(model.table.weight)
    model.table.weight.data[0] = 0
    return model.eval().requires_grad_(False)


def added(model: Once, sentences: list[list[int]]) -> list[float]:
    """What the path adds to the log-odds after each sentence."""
    _, logits = model.unroll(model.encode(Tokens.of(sentences)).unsqueeze(0))
    _, inner = model.inner.unroll(model.inner.encode(Tokens.of(sentences)).unsqueeze(0))
    both = logits[0] - inner[0]
    torch.testing.assert_close(both[:, 0], -both[:, 1], atol=1e-5, rtol=1e-5)
    return (both[:, 1] - both[:, 0]).tolist()


def by_hand(model: Once, sentences: list[list[int]]) -> list[float]:
    seen: dict[int, float] = {}
    found = []
    for sentence in sentences:
        slots: dict[int, list[float]] = {}
        for row in grams(Tokens.of([sentence]), model.words, model.pairs)[0].tolist():
            if weight := model.table.weight[row].item():
                slots.setdefault(row % SLOTS, []).append(weight)
        seen = {slot: float(np.mean(weights)) for slot, weights in slots.items()} | seen
        found.append(sum(seen.values()) / (len(seen) + FEW) ** 0.5)
    return found


@pytest.mark.parametrize("sentences", [SENTENCES, [[i] for i in range(WORDS)]])
def test_what_is_added_is_what_each_slot_said_first(sentences: list[list[int]]) -> None:
    model = once()
    assert added(model, sentences) == pytest.approx(by_hand(model, sentences), abs=1e-4)


def test_what_was_read_adds_nothing_again() -> None:
    first, again, new = added(once(pairs=0), [[5, 7, 9], [9, 9, 5], [11]])
    assert first == again != new


def test_a_full_memory_stands_still_and_holds_every_bit() -> None:
    model = once()
    state = model.initial_state(1)
    for start in range(1, 2 * SLOTS, 64):
        state = model.update(state, model.encode(Tokens.of([list(range(start, start + 64))])))
    assert state[-1].tolist() == [[65535.0] * 64]
    assert state[-2][0, 1] == SLOTS
    on = model.update(state, model.encode(Tokens.of([[2999, 17, 4]])))
    assert all(torch.equal(before, after) for before, after in zip(state[-2:], on[-2:], strict=True))


def test_numpy_has_the_same_state_number_by_number() -> None:
    model = once()
    arrays = build_arrays("gru", words=WORDS, classes=2, sizes=SIZES, arrays=model.weights())
    assert arrays is not None
    state, flat = model.initial_state(1), np.zeros((1, arrays.width), np.float32)
    for sentence in SENTENCES * 2:
        state = model.update(state, model.encode(Tokens.of([sentence])))
        arrays.update(flat.copy(), arrays.encode(ArrayTokens([sentence])), flat)
        np.testing.assert_allclose(np.concatenate([part.flatten(1).numpy() for part in state], axis=1), flat, atol=1e-5)
        np.testing.assert_allclose(model.readout(state).numpy(), arrays.readout(flat), atol=1e-5)


def test_the_prior_is_the_inner_classifiers() -> None:
    model = once()
    assert torch.equal(model.readout(model.initial_state(2)), model.inner.readout(model.inner.initial_state(2)))


def test_it_is_for_two_classes() -> None:
    with pytest.raises(ValueError, match="wide = 'once' is for two classes, these are 3: leave it out"):
        build("gru", words=WORDS, classes=3, sizes=SIZES)
