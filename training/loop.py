"""The training loop: batches through a classifier until the running accuracy on validation stops rising.

Batch --encode--> x [N, D] --scatter--> [B, S, D] --unroll--> logits [B, S, K] --loss--> Adam, one epoch after
another, each written as a checkpoint and a line of the log; the best epoch's weights are what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from models.contract import Classifier
from training import checkpoint, cost, log, parallel
from training.augment import augmented
from training.checkpoint import Progress
from training.corpus import Batch, Example, batches, met
from training.documents import NO_TARGET
from training.loss import sequence_loss
from training.pieces import Pieces
from training.recipe import Recipe

_MIXED: Final = "cuda"
"""The kind of device that trains in mixed precision."""


def forward(classifier: Classifier[Any], batch: Batch) -> Tensor:
    """Logits after every sentence of every document: `[B, S, K]`; those of padding mean nothing."""
    # Training on CUDA multiplies with 16 bits: convolutions, cells and dense layers, not the sums of embeddings. What
    # goes round and adds up has its 32, for a cell takes its products back to them, and so has the loss. All that is
    # measured is made with 32.
    device = batch.targets.device.type
    with torch.autocast(device, torch.bfloat16, enabled=classifier.training and device == _MIXED):
        vectors = classifier.encode(batch.tokens).float()
        x = vectors.new_zeros(batch.targets.numel(), vectors.shape[1]).index_copy(0, batch.places, vectors)
        return classifier.unroll(x.unflatten(0, tuple(batch.targets.shape)))[1].float()


def fit(
    classifier: Classifier[Any],
    train: Sequence[Example],
    validation: Sequence[Example],
    recipe: Recipe,
    *,
    device: torch.device,
    folder: Path,
    resume: bool = False,
    pieces: Pieces | None = None,
) -> list[dict[str, float]]:
    """Trains in place and gives back the learning curve, one entry per epoch. `pieces`: what `recipe.dress` puts on.

    Every epoch draws its numbers from the seed and its own number alone, so a resumed training is the
    same as one that was never cut.
    """
    classifier.to(device)
    # Fused: one pass over a table of millions of numbers instead of a dozen, 6 ms instead of 55 on one core.
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay, fused=True)
    average = _average(classifier, optimiser, recipe)
    learner = cast("Classifier[Any]", average.module) if average else classifier
    progress = Progress(best=checkpoint.weights(learner))
    if resume:
        progress = checkpoint.load(folder, classifier, optimiser, recipe, average)
    for epoch in range(len(progress.curve), recipe.epochs):
        if progress.since_best > recipe.patience or _late(progress.curve, recipe.minutes, device):
            break
        began = cost.now()
        learnt = _epoch(classifier, train, recipe, optimiser, epoch, device, pieces)
        entry = {"epoch": epoch + 1.0, "train_loss": learnt}
        entry |= evaluate(learner, validation, recipe, device)
        entry |= cost.since(began)
        progress = progress.after(entry, checkpoint.weights(learner))
        if parallel.rank() == 0:
            checkpoint.save(folder, classifier, optimiser, recipe, progress, average)
            log.write(progress.curve, folder)
    classifier.load_state_dict(progress.best)
    return progress.curve


def _average(classifier: Classifier[Any], optimiser: torch.optim.Optimizer, recipe: Recipe) -> AveragedModel | None:
    """A running mean of the weights, kept after every update, where the recipe asks for one (Polyak and Juditsky 1992):
    what is learnt at a high rate goes to and fro, and lies between."""
    if not recipe.average:
        return None
    average = AveragedModel(classifier, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    optimiser.register_step_post_hook(lambda *_: average.update_parameters(classifier))
    return average


def _late(curve: Sequence[dict[str, float]], minutes: float, device: torch.device) -> bool:
    """Whether one more epoch like the longest would take the training beyond its time, in any process's opinion."""
    # A machine that others use too makes nothing slower that is counted in processor time.
    took = [entry["cpu_seconds" if device.type == "cpu" else "wall_seconds"] for entry in curve]
    late = bool(minutes) and bool(took) and sum(took) + max(took) > 60 * minutes
    return parallel.total(torch.tensor(float(late))).item() > 0


def rate(recipe: Recipe, epochs: float) -> float:
    """The learning rate after so many epochs: up in a line, then down along a half cosine."""
    if epochs < recipe.warmup:
        return recipe.rate * epochs / recipe.warmup
    done = (epochs - recipe.warmup) / (recipe.epochs - recipe.warmup)
    return recipe.rate * (1 + math.cos(math.pi * done)) / 2


def _epoch(
    classifier: Classifier[Any],
    data: Sequence[Example],
    recipe: Recipe,
    optimiser: torch.optim.Optimizer,
    epoch: int,
    device: torch.device,
    pieces: Pieces | None,
) -> float:
    # The processes of a group drop different words and numbers.
    torch.manual_seed(recipe.seed * 1000 + epoch + 1_000_003 * parallel.rank())
    generator = np.random.default_rng([recipe.seed, epoch])
    data = augmented(met(data, generator), recipe, pieces, generator)
    steps = math.ceil(len(data) / recipe.batch)
    total, seen = 0.0, 0
    classifier.train()
    mine = batches(data, recipe.batch, generator, part=parallel.rank(), parts=parallel.ranks())
    moved = (batch.to(device) for batch in mine)
    bar = tqdm(moved, f"epoch {epoch + 1}/{recipe.epochs}", steps, mininterval=1, disable=parallel.rank() > 0)
    for step, batch in enumerate(bar):
        for group in optimiser.param_groups:
            group["lr"] = rate(recipe, epoch + (step + 1) / steps)
        loss = sequence_loss(forward(classifier, batch), batch.targets, recipe.loss, batch.beliefs)
        optimiser.zero_grad()
        (loss * batch.share).backward()
        parallel.add_gradients(classifier)
        torch.nn.utils.clip_grad_norm_(classifier.parameters(), recipe.clip)
        optimiser.step()
        total += loss.item() * len(batch.targets)
        seen += len(batch.targets)
        bar.set_postfix(loss=f"{total / seen:.4f}", refresh=False)
    return parallel.total(torch.tensor(total, dtype=torch.float64, device=device)).item() / len(data)


@torch.inference_mode()
def evaluate(
    classifier: Classifier[Any], data: Sequence[Example], recipe: Recipe, device: torch.device
) -> dict[str, float]:
    """The loss; the accuracy after the last sentence that has a target; and the running one, over every step."""
    classifier.eval()
    loss, right, running = 0.0, 0, 0.0
    mine = batches(data, 128, part=parallel.rank(), parts=parallel.ranks())
    for batch in (batch.to(device) for batch in mine):
        logits = forward(classifier, batch)
        loss += sequence_loss(logits, batch.targets, recipe.loss).item() * len(batch.targets)
        hits = (logits.argmax(dim=2) == batch.targets).float()
        asked = batch.targets != NO_TARGET
        running += (hits.sum(dim=1) / asked.sum(dim=1).clamp(min=1)).sum().item()
        last = (asked * torch.arange(asked.shape[1], device=device)).argmax(dim=1, keepdim=True)
        right += int(hits.gather(1, last).sum())
    # The same bits in every process, so that all of them stop, and keep an epoch, together.
    sums = parallel.total(torch.tensor([loss, right, running], dtype=torch.float64, device=device)).tolist()
    names = ("validation_loss", "validation_accuracy", "validation_running_accuracy")
    return {name: value / len(data) for name, value in zip(names, sums, strict=True)}
