"""What runs a classifier: NumPy on a CPU, torch on a GPU, and on a CPU the families that NumPy does not have.

states [B, P], sentences' ids --encode, update, update, …, readout--> Run: states, features and logits after each

Nothing here imports torch until a model needs it, so a worker that serves on a CPU never holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.arrays.network import Network
from models.arrays.tokens import Floats, Tokens

if TYPE_CHECKING:
    from models.artefact import Artefact

AT_ONCE: Final = 256
"""Sentences that are encoded together: their vectors are still in the cache when their steps come, and those of a text
of very many sentences are never all there at once."""


class Run(NamedTuple):
    """`states [R, P]`, `features [R, H]`, `logits [R, K]`: first those of the B states that came in, then of those
    after each step in turn, R = B + N rows."""

    states: Floats
    features: Floats
    logits: NDArray[np.floating[Any]]


class Engine(ABC):
    """`initial [P]` is the state before the first sentence."""

    initial: Floats

    @abstractmethod
    def run(self, states: Floats, ids: Sequence[Sequence[int]], widths: Sequence[int]) -> Run:
        """Steps from `states [B, P]` through N sentences, given step by step: each step is the next sentence of the
        first `width` sequences, and no wider than the one before it."""

    def room(self, states: Floats) -> NDArray[np.int64] | None:
        """How many more tokens each sequence may read, `[B]`; None where there is no limit."""
        return None


class ArrayEngine(Engine):
    """A network of models/arrays."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.initial = np.zeros(network.width, np.float32)

    def run(self, states: Floats, ids: Sequence[Sequence[int]], widths: Sequence[int]) -> Run:
        batch = len(states)
        every = np.empty((batch + len(ids), states.shape[1]), np.float32)
        every[:batch] = states
        before = 0
        now = batch
        for some, steps in together(widths):
            part = every[now : now + some.stop - some.start]
            self.network.advance(every[before:now], Tokens(ids[some]), steps, part)
            now += len(part)
            before = now - steps[-1]
        return Run(every, self.network.features(every), self.network.readout(every))


def together(widths: Sequence[int]) -> Iterator[tuple[slice, Sequence[int]]]:
    """The sentences that are encoded together, and the widths of their steps."""
    ends = list(accumulate(widths, initial=0))
    first = 0
    while first < len(widths):
        last = max(bisect_right(ends, ends[first] + AT_ONCE) - 1, first + 1)
        yield slice(ends[first], ends[last]), widths[first:last]
        first = last


def engine(artefact: Artefact, device: str) -> Engine:
    """The engine for a device: "cpu", "cuda" or "cuda:n"."""
    if device == "cpu" and artefact.network is not None:
        return ArrayEngine(artefact.network)
    from models.eager import TorchEngine

    return TorchEngine(artefact.classifier, device)
