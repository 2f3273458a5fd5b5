"""Convolutions over the ribbon against the plain form of each: one sentence at a time, by torch's own padding."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from models.contract import Tokens
from models.convolutions import KERNELS, InceptionEncoder, StackedEncoder

VOCABULARY = 9
sentences = st.lists(st.lists(st.integers(0, VOCABULARY), max_size=12), max_size=6)


def inception(dropout: float = 0.0) -> InceptionEncoder:
    torch.manual_seed(0)
    return InceptionEncoder(VOCABULARY, 4, 5, dropout).eval()


def stacked(connection: str) -> StackedEncoder:
    torch.manual_seed(0)
    return StackedEncoder(VOCABULARY, 4, 5, connection=connection).eval()


def alone(encoder: InceptionEncoder, embedded: Tensor) -> list[float]:
    """The features of one sentence, `embedded [T, E]`, by torch's own padding."""
    if not len(embedded):
        return [0.0] * (len(KERNELS) * encoder.filters + 1)
    found = [F.relu(convolution(embedded.T.unsqueeze(0))).sum(2)[0] for convolution in encoder.convolutions]
    return [*torch.cat(found).tolist(), float(len(embedded))]


@given(sentences)
def test_inception_is_each_sentence_convolved_alone(batch: list[list[int]]) -> None:
    encoder = inception()
    x = encoder(Tokens.of(batch))
    assert x.shape == (len(batch), 3 * 5 + 1)
    for row, ids in zip(x.tolist(), batch, strict=True):
        embedded = encoder.embedding(torch.tensor(ids, dtype=torch.int64))
        assert row == pytest.approx(alone(encoder, embedded), abs=1e-5)


def test_inception_drops_whole_words_in_training_only() -> None:
    encoder = inception(dropout=0.5)
    tokens = Tokens.of([list(range(1, 1 + VOCABULARY))])
    torch.testing.assert_close(encoder(tokens), inception()(tokens))
    encoder.train()
    torch.manual_seed(3)
    x = encoder(tokens)
    torch.manual_seed(3)
    kept = encoder.dropout(torch.ones(VOCABULARY, 4))
    assert {tuple(row) for row in kept.tolist()} == {(0.0,) * 4, (2.0,) * 4}
    assert x[0].tolist() == pytest.approx(alone(encoder, encoder.embedding(tokens.ids) * kept), abs=1e-5)


def test_in_an_image_three_small_kernels_see_what_a_large_one_sees_with_fewer_weights() -> None:
    large = torch.nn.Conv2d(1, 1, 7, bias=False)
    small = torch.nn.Sequential(*(torch.nn.Conv2d(1, 1, 3, bias=False) for _ in range(3)))
    image = torch.randn(1, 1, 7, 7)
    assert large(image).shape == small(image).shape == (1, 1, 1, 1)  # one number out of 7 by 7: the receptive field
    assert sum(p.numel() for p in large.parameters()) == 49
    assert sum(p.numel() for p in small.parameters()) == 27


def weights(encoder: InceptionEncoder) -> int:
    """Those of the convolutions, less their biases."""
    return sum(p.numel() for name, p in encoder.convolutions.named_parameters() if name.endswith("weight"))


@pytest.mark.parametrize(("width", "filters", "fewer"), [(64, 50, False), (64, 64, False), (64, 42, True)])
def test_in_a_text_they_have_more_unless_embeddings_are_half_as_wide_again(
    width: int, filters: int, fewer: bool
) -> None:
    inception, stacks = (
        weights(InceptionEncoder(VOCABULARY, width, filters)),
        weights(StackedEncoder(VOCABULARY, width, filters, connection="plain")),
    )
    assert inception == 15 * width * filters
    assert stacks == 9 * width * filters + 9 * filters**2
    assert (stacks < inception) is fewer


@given(sentences, st.sampled_from(["plain", "residual"]))
def test_stacks_are_each_sentence_convolved_alone(batch: list[list[int]], connection: str) -> None:
    encoder = stacked(connection)
    x = encoder(Tokens.of(batch))
    assert x.shape == (len(batch), 3 * 5 + 1)
    for row, ids in zip(x, batch, strict=True):
        wanted = []
        for branch in encoder.convolutions:
            seen = encoder.embedding(torch.tensor(ids, dtype=torch.int64)).T.unsqueeze(0)
            for depth, layer in enumerate(branch.children()):
                f = F.relu(layer(seen)) if ids else seen.new_zeros(1, 5, 0)
                seen = f + seen if depth and connection == "residual" else f
            wanted += seen.sum(2)[0].tolist()
        assert row.tolist() == pytest.approx([*wanted, float(len(ids))], abs=1e-5)


@pytest.mark.parametrize("kind", ["inception", "plain", "residual"])
def test_the_branches_see_three_five_and_seven_words(kind: str) -> None:
    encoder = inception() if kind == "inception" else stacked(kind)
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv1d):  # so that no ReLU hides what is seen
            nn.init.uniform_(layer.weight, 0.1, 1)
    for kernel, branch in zip(KERNELS, encoder.convolutions, strict=True):
        ribbon = torch.rand(1, 4, 15, requires_grad=True)
        encoder.convolve(branch, ribbon, torch.ones(15))[0, :, 7].sum().backward()
        assert ribbon.grad is not None
        seen = ribbon.grad[0].abs().sum(0).nonzero()[:, 0]
        assert seen.tolist() == list(range(7 - kernel // 2, 8 + kernel // 2))


def test_a_residual_layer_without_f_is_the_identity() -> None:
    encoder = stacked("residual")
    ribbon, inside = torch.randn(1, 4, 9), torch.ones(9)
    for branch in encoder.convolutions:
        lowest, *above = branch.children()
        for parameter in nn.ModuleList(above).parameters():
            nn.init.zeros_(parameter)
        torch.testing.assert_close(encoder.convolve(branch, ribbon, inside), F.relu(lowest(ribbon)))
