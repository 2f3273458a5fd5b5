"""What runs a classifier: NumPy on a CPU, torch on a GPU, and on a CPU the families that NumPy does not have.

states [B, P], sentences' ids --encode, update, update, …, readout--> Run: states, features and logits after each

Nothing here imports torch until a model needs it, so a worker that serves on a CPU never holds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.arrays.network import Network
from models.arrays.tokens import Floats, Tokens

if TYPE_CHECKING:
    from models.artefact import Artefact


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
        x = self.network.encode(Tokens(ids))
        batch = len(states)
        every = np.empty((batch + len(x), states.shape[1]), np.float32)
        every[:batch] = states
        before = 0
        now = batch
        for width in widths:
            done, end = now - batch, now + width
            self.network.update(every[before : before + width], x[done : end - batch], every[now:end])
            before, now = now, end
        return Run(every, self.network.features(every), self.network.readout(every))


def engine(artefact: Artefact, device: str) -> Engine:
    """The engine for a device: "cpu", "cuda" or "cuda:n"."""
    if device == "cpu" and artefact.network is not None:
        return ArrayEngine(artefact.network)
    from models.eager import TorchEngine

    return TorchEngine(artefact.classifier, device)
