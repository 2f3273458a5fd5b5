"""Several processes that train one classifier: each takes its part of every batch.

torchrun --group--> rank, ranks --part of a batch--> gradients --total--> the whole batch's, the same in each process

Gradients are added up by one all-reduce per parameter, after each has been weighted by its documents. Torch's
DistributedDataParallel would not do: it hooks into `forward`, and a classifier here is encode, update and readout;
and it takes the plain mean over processes, which is wrong for a last batch that does not divide evenly.
Alone, with no group, every function here does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
import torch.distributed.nn  # before there is a group: see `group`
from torch import Tensor, nn

PATIENCE: Final = timedelta(days=1)
"""How long a process waits for another: while one reads with a transformer, an hour is little. Where one fails,
torchrun ends all of them at once."""


@contextmanager
def group(device: torch.device) -> Iterator[torch.device]:
    """Joins the group that torchrun set up, if it did, and gives back this process's own device.

    `torch.distributed.nn` keeps the group of the moment at which it is imported, as a default, and an optimiser's first
    step imports it. That would be ours: its threads would live on after it was left, and one that lets go of a tensor
    while Python ends takes the whole process with it (SIGABRT). So it is imported above, where there is no group.
    """
    if "WORLD_SIZE" not in os.environ:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield device
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process; 0 is the one that writes and prints."""
    return dist.get_rank() if dist.is_initialized() else 0


def ranks() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def total(value: Tensor) -> Tensor:
    """The sum of `value` over all processes, in place; bit for bit the same in each."""
    if dist.is_initialized():
        dist.all_reduce(value)
    return value


def add_gradients(classifier: nn.Module) -> None:
    """Replaces every gradient by its sum over all processes."""
    if not dist.is_initialized():
        return
    for parameter in classifier.parameters():
        if parameter.requires_grad:
            # A part without a single word may not reach every parameter, and all must take part in each sum.
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            total(parameter.grad)
