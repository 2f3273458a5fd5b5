"""The linear path beside a classifier: against plain Python, in both engines, and when its memory is full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.arrays.build import build as build_arrays
from models.arrays.tokens import Tokens as ArrayTokens
from models.arrays.wide import FEW, SLOTS
from models.contract import Tokens
from models.encoders import hashed_pairs
from models.engine import ArrayEngine
from models.families import build
from models.wide import Wide

WORDS = 3000
SIZES: dict[str, dict[str, Any]] = {
    "gru": {"pairs": 50, "embedding": 4, "hidden": 4, "dropout": 0.3, "wide": True},
    "conv1d": {"pairs": 50, "embedding": 4, "filters": 2, "wide": True},
}
families = pytest.mark.parametrize("family", SIZES)
# 5 twice in a sentence; 2053 has its slot in a later one, 30 and 1054 share theirs in one; 0 is unknown, 40 unlearnt;
# the pair 7, 9 comes twice.
SENTENCES = [[5, 7, 5, 0], [], [7, 2053, 7, 9], [0], [30, 1054, 30, 31, 7, 9], [40], [40, 1064]]


def wide(family: str = "gru", pairs: int = 50) -> Wide:
    torch.manual_seed(2)
    model = build(family, words=WORDS, classes=2, sizes=SIZES[family] | {"pairs": pairs})
    assert isinstance(model, Wide)
    torch.nn.init.normal_(model.table.weight)
    model.table.weight.data[[0, 40]] = 0
    return model.eval().requires_grad_(False)


def added(model: Wide, sentences: list[list[int]]) -> list[float]:
    """What the path adds to the log-odds after each sentence."""
    _, logits = model.unroll(model.encode(Tokens.of(sentences)).unsqueeze(0))
    _, inner = model.inner.unroll(model.inner.encode(Tokens.of(sentences)).unsqueeze(0))
    both = logits[0] - inner[0]
    torch.testing.assert_close(both[:, 0], -both[:, 1], atol=1e-5, rtol=1e-5)
    return (both[:, 1] - both[:, 0]).tolist()


def by_hand(model: Wide, sentences: list[list[int]]) -> list[float]:
    weights = model.table.weight[:, 0].tolist()
    seen: dict[int, float] = {}
    pairs: list[float] = []
    found = []
    for sentence in sentences:
        slots: dict[int, list[float]] = {}
        for word in sentence:
            if weights[word]:
                slots.setdefault(word % SLOTS, []).append(weights[word])
        seen = {slot: float(np.mean(of)) for slot, of in slots.items()} | seen
        if model.pairs:
            pairs += [weights[1 + WORDS + i] for i in hashed_pairs(Tokens.of([sentence]), model.pairs)[0].tolist()]
        found.append((sum(seen.values()) + sum(pairs)) / (len(seen) + len(pairs) + FEW) ** 0.5)
    return found


@families
@pytest.mark.parametrize("pairs", [50, 0])
@pytest.mark.parametrize("sentences", [SENTENCES, [[i] for i in range(WORDS)]])
def test_what_is_added_is_every_pair_and_what_each_slot_said_first(
    family: str, pairs: int, sentences: list[list[int]]
) -> None:
    model = wide(family, pairs)
    assert added(model, sentences) == pytest.approx(by_hand(model, sentences), abs=1e-4)


def test_a_word_that_was_read_adds_nothing_again() -> None:
    first, again, new = added(wide(pairs=0), [[5, 7, 9], [9, 9, 5], [11]])
    assert first == again != new


def test_a_full_memory_stands_still_and_holds_every_bit() -> None:
    model = wide(pairs=0)
    state = model.initial_state(1)
    for start in range(1, 2 * SLOTS, 64):
        state = model.update(state, model.encode(Tokens.of([list(range(start, start + 64))])))
    assert state[-1].tolist() == [[65535.0] * 64]
    assert state[-2][0, 1] == SLOTS
    on = model.update(state, model.encode(Tokens.of([[2999, 17, 4]])))
    assert all(torch.equal(before, after) for before, after in zip(state[-2:], on[-2:], strict=True))


@families
@pytest.mark.parametrize("at_once", [1, 4, 256])
def test_numpy_has_the_same_states_whatever_comes_together(
    family: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.engine.AT_ONCE", at_once)
    model = wide(family)
    arrays = build_arrays(family, words=WORDS, classes=2, sizes=SIZES[family], arrays=model.weights())
    assert arrays is not None
    engine = ArrayEngine(arrays)
    # One text, another that begins in its middle, and a third that is shorter: step by step, as the predictor has them.
    texts = [SENTENCES * 2, SENTENCES[3:] * 2, SENTENCES[::-1][:5]]
    widths = [3] * 5 + [2] * 3 + [1] * 6
    ids = [text[step] for step, width in enumerate(widths) for text in texts[:width]]
    run = engine.run(np.repeat(engine.initial[None], 3, axis=0), ids, widths)
    ends = [3, *(3 + np.cumsum(widths))]
    for row, text in enumerate(texts):
        state = model.initial_state(1)
        for step, sentence in enumerate(text):
            state = model.update(state, model.encode(Tokens.of([sentence])))
            wanted = np.concatenate([part.flatten(1).numpy() for part in state], axis=1)[0]
            np.testing.assert_allclose(wanted, run.states[ends[step] + row], atol=1e-5)
            np.testing.assert_allclose(model.readout(state)[0].numpy(), run.logits[ends[step] + row], atol=1e-5)


def test_numpy_goes_on_from_what_was_seen() -> None:
    model = wide()
    arrays = build_arrays("gru", words=WORDS, classes=2, sizes=SIZES["gru"], arrays=model.weights())
    assert arrays is not None
    out = np.zeros((2, arrays.width), np.float32)
    arrays.advance(out[:1] * 0, ArrayTokens([[5, 7, 9]]), [1], out[:1])
    arrays.advance(out[:1], ArrayTokens([[7, 11]]), [1], out[1:])
    state = model.update(model.initial_state(1), model.encode(Tokens.of([[5, 7, 9]])))
    state = model.update(state, model.encode(Tokens.of([[7, 11]])))
    np.testing.assert_allclose(np.concatenate([p.flatten(1).numpy() for p in state], axis=1)[0], out[1], atol=1e-5)


@families
def test_with_a_table_of_zeros_it_is_the_inner_classifier(family: str) -> None:
    model = wide(family)
    torch.nn.init.zeros_(model.table.weight)
    x = model.inner.encode(Tokens.of(SENTENCES)).unsqueeze(0)
    state, wanted = model.inner.unroll(x)
    whole, logits = model.unroll(model.encode(Tokens.of(SENTENCES)).unsqueeze(0))
    assert torch.equal(logits, wanted)
    assert torch.equal(model.features(whole), model.inner.features(state))
    assert [part.shape for part in whole] == [*(part.shape for part in state), (1, 2), (1, 64)]


@families
def test_the_prior_is_the_inner_classifiers(family: str) -> None:
    model = wide(family)
    assert torch.equal(model.readout(model.initial_state(2)), model.inner.readout(model.inner.initial_state(2)))


@families
def test_training_does_not_move_it(family: str) -> None:
    model = build(family, words=3, classes=2, sizes=SIZES[family]).train()
    assert isinstance(model, Wide)
    torch.nn.init.ones_(model.table.weight)
    model.unroll(model.encode(Tokens.of([[1, 2], [3]])).unsqueeze(0))[1].sum().backward()
    assert model.table.weight.grad is None


def test_it_is_for_two_classes() -> None:
    with pytest.raises(ValueError, match="wide = true is for two classes, these are 3: leave it out"):
        build("gru", words=WORDS, classes=3, sizes=SIZES["gru"])
