"""The linear path beside a classifier of any family: added up over sentences, and left alone by training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from models.contract import Tokens
from models.encoders import grams
from models.families import build
from models.wide import Wide

SIZES: dict[str, dict[str, Any]] = {
    "gru": {"pairs": 8, "embedding": 4, "hidden": 4, "dropout": 0.3, "wide": "root"},
    "conv1d": {"pairs": 8, "embedding": 4, "filters": 2, "wide": "root"},
}
families = pytest.mark.parametrize("family", SIZES)
SENTENCES = [[3, 1], [3, 2, 2], [], [0]]


def wide(family: str) -> Wide:
    torch.manual_seed(2)
    model = build(family, words=3, classes=2, sizes=SIZES[family])
    assert isinstance(model, Wide)
    return model.eval()


def logits(model: Wide) -> torch.Tensor:
    return model.unroll(model.encode(Tokens.of(SENTENCES)).unsqueeze(0))[1][0]


@families
def test_what_is_added_is_the_sum_over_the_root_of_what_was_read(family: str) -> None:
    model = wide(family)
    plain = logits(model)
    torch.nn.init.normal_(model.table.weight)
    total, read = torch.zeros(2), 0
    for sentence, before, after in zip(SENTENCES, plain, logits(model), strict=True):
        rows = grams(Tokens.of([sentence]), 3, 8)[0]
        total += model.table.weight[rows].sum(dim=0)
        read += len(rows)
        torch.testing.assert_close(after - before, total / read**0.5)
    assert read == 3 + 5 + 0 + 1


@families
def test_with_a_table_of_zeros_it_is_the_inner_classifier(family: str) -> None:
    model = wide(family)
    x = model.inner.encode(Tokens.of(SENTENCES)).unsqueeze(0)
    state, wanted = model.inner.unroll(x)
    assert torch.equal(logits(model), wanted[0])
    whole, _ = model.unroll(model.encode(Tokens.of(SENTENCES)).unsqueeze(0))
    assert torch.equal(model.features(whole), model.inner.features(state))
    assert [part.shape for part in whole] == [*(part.shape for part in state), (1, 2), (1, 1)]
    assert torch.equal(model.readout(model.initial_state(1)), model.inner.readout(model.inner.initial_state(1)))


@families
def test_training_does_not_move_it(family: str) -> None:
    model = wide(family).train()
    torch.nn.init.ones_(model.table.weight)
    model.unroll(model.encode(Tokens.of([[1, 2], [3]])).unsqueeze(0))[1].sum().backward()
    assert model.table.weight.grad is None


def test_words_and_pairs_are_named_once_per_batch() -> None:
    tokens = Tokens.of(SENTENCES)
    wide("gru").encode(tokens)
    assert list(tokens.grams) == [(3, 8)]
    assert grams(tokens, 3, 8)[0] is grams(tokens, 3, 8)[0]
