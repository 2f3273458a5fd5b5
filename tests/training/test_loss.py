"""The loss against plain arithmetic: the design's mini-batch of eight, and any other."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.documents import NO_TARGET
from training.loss import sequence_loss

# p of class 1 after each of three steps of eight sequences, and the class wanted; -1: no target.
P = (
    ((0.9, 0.8, 0.7), (1, 1, 1)),
    ((0.1, 0.2, 0.3), (0, 0, 0)),
    ((0.5, 0.5, 0.9), (1, 0, NO_TARGET)),
    ((0.6, 0.7, 0.8), (0, 1, 1)),
    ((0.2, 0.4, 0.6), (1, 1, 1)),
    ((0.99, 0.5, 0.01), (1, 0, 0)),
    ((0.3, 0.3, 0.3), (0, 0, 1)),
    ((0.5, 0.25, 0.125), (0, 0, 0)),
)


def logits_of(p: float) -> list[float]:
    return [math.log(1 - p) + 5, math.log(p) + 5]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    logits = torch.tensor([[logits_of(p) for p in ps] for ps, _ in P], dtype=torch.float64)
    return logits, torch.tensor([targets for _, targets in P])


def costs() -> list[list[float]]:
    """-log p of the wanted class, by hand."""
    return [[-math.log(p if y == 1 else 1 - p) for p, y in zip(ps, ys, strict=True) if y != NO_TARGET] for ps, ys in P]


def test_the_mean_over_eight_of_the_sum_over_their_steps() -> None:
    assert sequence_loss(*batch()).item() == pytest.approx(sum(map(sum, costs())) / 8)


def test_the_mean_over_eight_of_the_mean_over_their_steps() -> None:
    wanted = sum(sum(row) / len(row) for row in costs()) / 8
    assert sequence_loss(*batch(), "mean").item() == pytest.approx(wanted)


def test_the_mean_over_eight_in_which_step_t_weighs_t() -> None:
    wanted = sum(sum((t + 1) * c for t, c in enumerate(row)) / sum(range(1, len(row) + 1)) for row in costs()) / 8
    assert sequence_loss(*batch(), "rising").item() == pytest.approx(wanted)


def test_the_mean_over_eight_of_the_last_step_that_has_a_target() -> None:
    wanted = sum(row[-1] for row in costs()) / 8
    assert sequence_loss(*batch(), "last").item() == pytest.approx(wanted)


def test_a_step_without_a_target_has_no_gradient() -> None:
    logits, targets = batch()
    logits.requires_grad_()
    sequence_loss(logits, targets).backward()
    assert logits.grad is not None
    assert logits.grad[2, 2].tolist() == [0, 0]
    assert logits.grad[2, 1].abs().sum() > 0


@given(st.integers(0, 5), st.sampled_from(["sum", "mean", "rising", "last"]))
def test_padding_changes_nothing(padding: int, over_steps: str) -> None:
    logits, targets = batch()
    padded = torch.cat([logits, torch.full((8, padding, 2), 7.0, dtype=torch.float64)], dim=1)
    wanted = torch.cat([targets, torch.full((8, padding), NO_TARGET)], dim=1)
    assert sequence_loss(padded, wanted, over_steps).item() == pytest.approx(sequence_loss(*batch(), over_steps).item())


def test_a_document_without_any_target_costs_nothing() -> None:
    for over_steps in ("mean", "last"):
        assert sequence_loss(torch.zeros(1, 2, 2), torch.full((1, 2), NO_TARGET), over_steps).item() == 0


def test_what_a_teacher_believes_is_the_target_of_every_step() -> None:
    logits, targets = batch()
    beliefs = torch.zeros(8, 2, dtype=torch.float64)
    beliefs[0] = torch.tensor([0.25, 0.75])
    believed = sum(-0.25 * math.log(1 - p) - 0.75 * math.log(p) for p in P[0][0])
    wanted = (believed + sum(map(sum, costs()[1:]))) / 8
    assert sequence_loss(logits, targets, "sum", beliefs).item() == pytest.approx(wanted)


def test_beliefs_that_are_sure_are_labels() -> None:
    logits, targets = batch()
    sure = torch.nn.functional.one_hot(targets[:, 1], 2).double()
    same = targets[:, 1:2].expand(8, 3)
    assert sequence_loss(logits, same, "mean", sure).item() == pytest.approx(sequence_loss(logits, same, "mean").item())
