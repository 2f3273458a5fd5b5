"""Small models with known arithmetic or seeded weights, for every test that needs one.

artefact("gru"), artefact("conv1d"), …   seeded random weights, a vocabulary of 12 words, a real calibration
toy()                                    the worked example of a simple RNN, whose numbers fit on a blackboard
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from models.artefact import Artefact
from models.calibration import Calibration
from models.contract import Classifier, Tokens
from models.convolutions import sums
from models.families import build
from models.vocabulary import Vocabulary

WORDS: Final = ("the", "cat", "free", "money", "sat", "on", "you", "won", "!", "click", "film", "good")
SIZES: Final[dict[str, dict[str, Any]]] = {
    "gru": {"pairs": 50, "embedding": 8, "hidden": 6},
    "conv1d": {"embedding": 6, "filters": 4},
    "rnn": {"embedding": 8, "hidden": 6, "encoder": "bow"},
    "lstm": {"embedding": 8, "hidden": 6},
    "lstm-inception": {"embedding": 5, "hidden": 6, "encoder": "inception", "layer_norm": 1},
    "pooled": {"embedding": 5, "dense": 4},
    "flattened": {"max_tokens": 20_000, "embedding": 3, "dense": 4},
    "bow": {"mode": "tfidf"},
    "forest": {"mode": "count", "trees": 5, "depth": 3},
    "gru-highway": {"embedding": 8, "hidden": 6, "layers": 4, "connection": "highway", "layer_norm": 1},
    "lstm-residual": {"pairs": 50, "embedding": 8, "hidden": 6, "layers": 2, "connection": "residual"},
    "gru-wide": {"pairs": 50, "embedding": 8, "hidden": 6, "length": 0.5, "wide": True},
    "conv1d-residual": {"embedding": 6, "filters": 4, "branches": "residual"},
    "bow-freq": {"mode": "freq"},
    "flattened-wide": {"max_tokens": 20_000, "embedding": 3, "dense": 4, "pairs": 20, "wide": True},
    "conv1d-wide": {"pairs": 20, "embedding": 6, "filters": 4, "wide": True},
}
"""Sizes of every family, and of some again with what it may have: the family is what stands before the hyphen."""
CALIBRATION: Final = Calibration((0.0, 2.0, 9.0), (0.5, 1.0, 1.5), ((0.0, 0.3), (0.0, -0.2), (0.1, 0.0)))


def family_of(name: str) -> str:
    return name.partition("-")[0]


def classifier(name: str, seed: int = 0, words: int = len(WORDS), classes: int = 2) -> Classifier[Any]:
    """A classifier in eval mode, whose weights are normal with a deviation of 0.5."""
    model = build(family_of(name), words=words, classes=classes, sizes=SIZES[name])
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.data.normal_(0, 0.5, generator=generator)
    for buffer in model.buffers():
        if not buffer.is_floating_point():
            buffer.random_(words, generator=generator)
    return model.eval().requires_grad_(False)


def artefact(name: str, seed: int = 0, words: Sequence[str] = WORDS) -> Artefact:
    return Artefact(
        task="spam",
        family=family_of(name),
        labels=("ham", "spam"),
        sizes=SIZES[name],
        vocabulary=Vocabulary(words),
        weights=classifier(name, seed, len(words)).weights(),
        calibration=CALIBRATION,
        thresholds={"fpr:0.01": 0.75},
    )


W: Final = ((1.5, -2.0), (0.0, 1.0), (-1.0, 0.5), (2.0, 0.0))
"""Rows for h_0, h_1, x_0, x_1: the worked example of the design."""


def rnn_step(h: Sequence[float], x: Sequence[float]) -> tuple[float, ...]:
    """tanh([h, x] W), number by number."""
    seen = [*h, *x]
    return tuple(math.tanh(sum(s * row[j] for s, row in zip(seen, W, strict=True))) for j in range(2))


class ToyState(NamedTuple):
    """`h [B, 2]`, (0, 1) before the first sentence."""

    h: Tensor


class Toy(Classifier[ToyState]):
    """x counts two words (ids 1 and 2), h' = tanh([h, x] W), and the logits are h itself."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(W))

    def initial_state(self, batch: int) -> ToyState:
        return ToyState(self.get_buffer("weight").new_tensor([0.0, 1.0]).repeat(batch, 1))

    def encode(self, tokens: Tokens) -> Tensor:
        one_hot = torch.eye(3, device=tokens.ids.device)[tokens.ids]
        return sums(one_hot, tokens.sentence, len(tokens.lengths))[:, 1:]

    def update(self, state: ToyState, x: Tensor, noise: Tensor | None = None) -> ToyState:
        return ToyState(torch.tanh(torch.cat([state.h, x], dim=1) @ self.get_buffer("weight")))

    def features(self, state: ToyState) -> Tensor:
        return state.h

    def readout(self, state: ToyState) -> Tensor:
        return state.h


class ToyArtefact(Artefact):
    @cached_property
    def classifier(self) -> Toy:
        return Toy()


def toy() -> Artefact:
    """The words are "left", x = (1, 0), and "right", x = (0, 1); log-odds are h_1 - h_0."""
    return ToyArtefact("toy", "toy", ("no", "yes"), {}, Vocabulary(["left", "right"]), {}, Calibration.identity(2))
