"""Connections: the two identities of the worked examples, and the highway in between."""

from __future__ import annotations

import pytest
import torch

from models.connections import Highway, Plain, Residual

X, H = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))


def highway(transform: float) -> torch.Tensor:
    """The highway with T everywhere σ(transform)."""
    made = Highway(4)
    torch.nn.init.zeros_(made.transform.weight)
    torch.nn.init.constant_(made.transform.bias, transform)
    return made(X, H)


def test_a_residual_block_without_f_is_the_identity() -> None:
    assert torch.equal(Residual(4)(X, torch.zeros_like(X)), X)
    assert torch.equal(Residual(4)(X, H), X + H)
    assert torch.equal(Plain(4)(X, H), H)


def test_a_highway_is_the_identity_where_t_is_0_and_h_where_t_is_1() -> None:
    assert torch.equal(highway(-1000), X)
    assert torch.equal(highway(1000), H)


def test_a_highway_is_h_t_plus_x_1_minus_t() -> None:
    made = Highway(4)
    t = torch.sigmoid(X @ made.transform.weight.T + made.transform.bias)
    torch.testing.assert_close(made(X, H), H * t + X * (1 - t))
    assert made.transform.bias.tolist() == pytest.approx([-1.0] * 4)
