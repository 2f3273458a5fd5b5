"""The loss of a running probability: every sentence is asked, not only the last.

logits [B, S, K], targets [B, S] --cross-entropy per step--> sum or mean over a document's steps
                                 --> mean over documents
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from training.documents import NO_TARGET


def sequence_loss(logits: Tensor, targets: Tensor, over_steps: str = "sum", beliefs: Tensor | None = None) -> Tensor:
    """The mean over B sequences of the sum over their steps of -Σ_k y_k log p_k.

    Of a sequence that has `beliefs [B, K]`, they are the y of all its steps (Hinton et al. 2015, at temperature 1);
    a row of zeros has none, and its y are 1 for the target.

    `over_steps`: "sum"; "mean", so that long documents count no more than short ones; "rising", a mean in
    which step t weighs t, because what a first sentence does not say can only be learnt by heart; "last", the last
    step that has a target alone.

    Steps whose target is -1, padding among them, count for nothing: a sequence of three steps with two
    targets has a sum of two terms, and a mean over two.

    >>> logits = torch.zeros(2, 3, 2)  # p = 1/2 everywhere, so each target costs log 2 = 0.6931
    >>> targets = torch.tensor([[0, 0, 0], [1, 1, -1]])
    >>> round(sequence_loss(logits, targets).item(), 4)  # (3 + 2) / 2 · log 2
    1.7329
    >>> round(sequence_loss(logits, targets, "mean").item(), 4)
    0.6931
    """
    per_step = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET, reduction="none")
    per_step = per_step.view_as(targets)
    if beliefs is not None:
        soft = -(beliefs[:, None] * logits.log_softmax(dim=2)).sum(dim=2)
        per_step = torch.where(beliefs.sum(dim=1, keepdim=True) > 0, soft, per_step)
    weight = (targets != NO_TARGET).to(logits.dtype)
    if over_steps == "rising":
        weight = weight * torch.arange(1, targets.shape[1] + 1, dtype=weight.dtype, device=weight.device)
    if over_steps == "last":
        last = (weight * torch.arange(1, targets.shape[1] + 1, device=weight.device)).argmax(dim=1, keepdim=True)
        weight = torch.zeros_like(weight).scatter(1, last, weight.gather(1, last))
    per_document = (per_step * weight).sum(dim=1)
    if over_steps != "sum":
        per_document = per_document / weight.sum(dim=1).clamp(min=1)
    return per_document.mean()
