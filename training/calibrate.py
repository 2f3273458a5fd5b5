"""Fits what a logit is worth after so many sentences, and where to cut for a stated rate of false alarms.

Scores of validation prefixes --fit--> Calibration (scale and bias at knots of sentences read)
Scores of validation ends     --thresholds--> {"0.01": p, …}
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
from scipy.special import logit  # type: ignore[import-untyped]

from models.calibration import Calibration
from training.documents import NO_TARGET
from training.score import Floats, Scores

KNOTS: Final = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0)
RATES: Final = ("0.01", "0.005", "0.001")
STIFFNESS: Final = (0.0003, 0.01)
"""What a change between neighbouring knots, and a change of that change, costs, in nats per squared unit: knots with
little data follow the line of the others, and level off where there is none."""
AT_END: Final = 0.5
"""The share of a document's weight that its last prefix has beyond its part of the rest."""
NOISE: Final = 1e-3
"""In log-odds, a hundred times what float32 and another batch make of the same text."""
_SMALLEST: Final = 1e-30


def fit(scores: Scores) -> Calibration:
    """Minimises the cross-entropy of scale(n) · log p + bias(n) over all prefixes of the documents.

    `scores` are those of an artefact without calibration, so log p is its logits less a constant,
    which softmax does not see. Every document weighs 1: half of it lies on its end, where the label is given that
    most people act upon, and half is spread evenly over its prefixes. With every prefix weighing alike, a text
    message that is over after one sentence would be taken for the subject of a mail.
    Before the first sentence there is nothing but the base rate.
    """
    classes = scores.probabilities[0].shape[1]
    logits, targets, read, weight = _prefixes(scores)
    knots = np.log1p(KNOTS[1:])
    between = torch.from_numpy(np.stack([np.interp(np.log1p(read), knots, row) for row in np.eye(len(knots))], axis=1))
    log_scale = torch.zeros(len(knots), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(len(knots), classes, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_scale, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        calibrated = (between @ log_scale.exp())[:, None] * logits + between @ bias
        loss = (weight * torch.nn.functional.cross_entropy(calibrated, targets, reduction="none")).sum()
        moving = torch.cat([log_scale[:, None], bias], dim=1)
        stiff = sum(cost * moving.diff(n, dim=0).square().sum() for n, cost in enumerate(STIFFNESS, start=1))
        total = loss + stiff + 1e-6 * bias.square().sum()
        total.backward()
        return total

    optimiser.step(closure)
    base = np.log((np.bincount(scores.labels, minlength=classes) + 0.5) / (len(scores.labels) + 0.5 * classes))
    return Calibration(
        KNOTS,
        (0.0, *log_scale.detach().exp().tolist()),
        (tuple(base.tolist()), *(tuple(row) for row in bias.detach().tolist())),
    )


def apply(calibration: Calibration, scores: Scores) -> Scores:
    """The scores as they are with the calibration, of an artefact that had none."""
    calibrated = []
    for probabilities in scores.probabilities:
        logits = calibration.apply(np.log(np.maximum(probabilities, _SMALLEST)), np.arange(len(probabilities)))
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        calibrated.append(odds / odds.sum(axis=1, keepdims=True))
    return Scores(scores.labels, calibrated, scores.targets)


def thresholds(scores: Scores) -> dict[str, float]:
    """Thresholds at which at most 1 %, 0.5 %, 0.1 % of the negatives are called positive.

    `label is positive where probability >= threshold`. With fewer than 1/rate negatives none may be. Each lies midway
    between the most probable negative that must not be called and the next higher one (or certainty): right above the
    former it would fall to the noise of float32, in which the same text scores a little otherwise beside other texts.
    With more than two classes the label is the most probable one, and there is no threshold.
    """
    if scores.last.shape[1] > 2:
        return {}
    negatives = np.sort(scores.last[scores.labels == 0, -1])[::-1]
    return {rate: _above(negatives, math.floor(float(rate) * len(negatives))) for rate in RATES}


def _above(falling: Floats, allowed: int) -> float:
    """Midway between the probability after `allowed` others and the next that is higher by more than noise."""
    highest = float(falling[allowed]) if allowed < len(falling) else 0.0
    higher = falling[:allowed][logit(falling[:allowed]) > logit(highest) + NOISE]
    return (highest + (float(higher[-1]) if len(higher) else 1.0)) / 2


def most_accurate(scores: Scores) -> float:
    """The threshold with the most right labels of two, midway between two neighbours; of several the highest, which
    calls least."""
    order = np.argsort(-scores.last[:, 1], kind="stable")
    falling, labels = scores.last[order, 1], scores.labels[order]
    # How many are right with the first so many called, less a constant.
    right = np.concatenate([[0], np.where(labels == 1, 1, -1).cumsum()])
    apart = np.concatenate([[True], falling[1:] < falling[:-1], [True]])
    called = int(np.argmax(np.where(apart, right, -len(right))))
    between = np.concatenate([[1.0], falling, [0.0]])[called : called + 2]
    return float(between.mean())


def _prefixes(scores: Scores) -> tuple[torch.Tensor, torch.Tensor, Floats, torch.Tensor]:
    """All prefixes with a target: log p `[M, K]`, targets `[M]`, sentences read `[M]`, weights `[M]` that add up
    to 1."""
    targets = np.concatenate(scores.targets)
    asked = targets != NO_TARGET
    log_p: Floats = np.log(np.maximum(np.concatenate([p[1:] for p in scores.probabilities]), _SMALLEST))
    read = np.concatenate([np.arange(1.0, len(t) + 1) for t in scores.targets])
    steps = np.array([np.count_nonzero(t != NO_TARGET) for t in scores.targets])
    weight = np.repeat((1 - AT_END) / np.maximum(steps, 1), steps)
    weight[np.cumsum(steps)[steps > 0] - 1] += AT_END
    weight /= max(np.count_nonzero(steps), 1)
    return torch.from_numpy(log_p[asked]), torch.from_numpy(targets[asked]), read[asked], torch.from_numpy(weight)
