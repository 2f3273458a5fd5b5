"""The pooled embedding: its worked example, and the same network over a whole text at once."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from models.contract import Tokens
from models.pooled import PooledEmbedding

SENTENCES = [[1, 2, 3], [], [4, 0, 1]]


def pooled(dropout: float = 0.0) -> PooledEmbedding:
    torch.manual_seed(0)
    return PooledEmbedding(words=4, classes=2, embedding=3, dense=5, dropout=dropout).eval()


@pytest.mark.parametrize(("classes", "output"), [(1, 21), (2, 2 * 21)])
def test_thirty_times_v_and_620_and_21_parameters(classes: int, output: int) -> None:
    model = PooledEmbedding(words=999, classes=classes)
    rows = 999 + 1  # the words and the unknown one
    assert sum(p.numel() for p in model.parameters()) == 30 * rows + 620 + output
    assert sum(p.numel() for p in model.dense.parameters()) == 620


def test_it_is_the_network_over_the_text_so_far() -> None:
    model = pooled()
    _, logits = model.unroll(model.encode(Tokens.of(SENTENCES)).unsqueeze(0))
    for s in range(len(SENTENCES)):
        ids = [i for sentence in SENTENCES[: s + 1] for i in sentence]
        mean = model.encoder.get_submodule("embedding")(torch.tensor(ids)).mean(0)
        torch.testing.assert_close(logits[0, s], model.linear(F.relu(model.dense(mean))))


def test_dropout_is_before_both_layers_and_in_training_only() -> None:
    model, noisy = pooled(), pooled(dropout=0.5)
    state, logits = model.step(model.initial_state(1), Tokens.of([[1, 2, 3]]))
    assert torch.equal(noisy.readout(state), logits)
    noisy.train()
    torch.manual_seed(1)
    got = noisy.readout(state)
    torch.manual_seed(1)
    seen = F.relu(model.dense(torch.dropout(model.features(state), 0.5, True)))
    torch.testing.assert_close(got, model.linear(torch.dropout(seen, 0.5, True)))
