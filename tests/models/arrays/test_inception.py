"""Folded convolutions are torch's, for common words and rare ones, in parts of any size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.arrays import inception
from models.arrays.inception import Inception
from models.arrays.tokens import Tokens
from models.contract import Tokens as TorchTokens
from models.convolutions import InceptionEncoder

VOCABULARY = 40


@pytest.mark.parametrize("folded", [1, 12, 1000])
@pytest.mark.parametrize("at_once", [1, 9, 1000])
def test_it_is_torchs(monkeypatch: pytest.MonkeyPatch, folded: int, at_once: int) -> None:
    monkeypatch.setattr(inception, "FOLDED", folded)
    monkeypatch.setattr(inception, "AT_ONCE", at_once)
    torch.manual_seed(0)
    encoder = InceptionEncoder(VOCABULARY, 5, 4).eval().requires_grad_(False)
    branches = list(encoder.convolutions)
    mine = Inception(
        encoder.embedding.weight.numpy(),
        [branch.get_parameter("weight").numpy() for branch in branches],
        [branch.get_parameter("bias").numpy() for branch in branches],
    )
    draw = np.random.default_rng(1)
    ids = [draw.integers(0, 1 + VOCABULARY, length).tolist() for length in (0, 1, 2, 3, 0, 11, 30, 1, 0)]
    wanted = encoder(TorchTokens.of(ids))[:, :-1].numpy()
    np.testing.assert_allclose(mine.sums(Tokens(ids)), wanted, rtol=1e-5, atol=1e-5)
    assert mine.sums(Tokens([])).shape == (0, 12)


def test_what_is_kept_is_bounded() -> None:
    kernels = [np.zeros((2, 1, k), np.float32) for k in inception.KERNELS]
    biases = [np.zeros(2, np.float32)] * 3
    large = Inception(np.zeros((inception.FOLDED + 50, 1), np.float32), kernels, biases)
    assert [table.shape for table in large.folded] == [(inception.FOLDED + 1, 3 * 2)] * 7
