"""Fits what a logit is worth after so many sentences, and where to cut for a stated rate of false alarms.

Scores of validation prefixes --fit--> Calibration (scale and bias at knots of sentences read)
Scores of validation ends     --thresholds--> {"0.01": p, …}
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch

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
    """The lowest thresholds at which at most 1 %, 0.5 %, 0.1 % of the negatives are called positive.

    `label is positive where probability >= threshold`. With fewer than 1/rate negatives none may be. With more
    than two classes the label is the most probable one, and there is no threshold.
    """
    if scores.last.shape[1] > 2:
        return {}
    negatives = np.sort(scores.last[scores.labels == 0, -1])[::-1]
    found: dict[str, float] = {}
    for rate in RATES:
        allowed = math.floor(float(rate) * len(negatives))
        highest = float(negatives[allowed]) if allowed < len(negatives) else 0.0
        found[rate] = min(1.0, float(np.nextafter(highest, 2.0)))
    return found


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
