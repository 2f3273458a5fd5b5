"""What a logit is worth after so many sentences: a scale and a bias that depend on how much was read.

logits [N, K], sentences read [N] --Calibration.apply--> calibrated logits [N, K] --softmax--> probabilities
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """scale(n) · logits + bias(n): Platt scaling (Platt 1999) whose two numbers move with n.

    One temperature cannot serve every prefix: a model that is right about whole texts is too sure of
    itself after one sentence. Both are linear in ln(1 + n) between the `sentences` (rising, from 0),
    and constant after the last.
    """

    sentences: tuple[float, ...]
    scale: tuple[float, ...]
    bias: tuple[tuple[float, ...], ...]

    @classmethod
    def identity(cls, classes: int) -> Calibration:
        return cls((0.0,), (1.0,), ((0.0,) * classes,))

    @classmethod
    def from_config(cls, table: dict[str, Any]) -> Calibration:
        return cls(
            tuple(map(float, table["sentences"])),
            tuple(map(float, table["scale"])),
            tuple(tuple(map(float, row)) for row in table["bias"]),
        )

    def to_config(self) -> dict[str, Any]:
        return {"sentences": list(self.sentences), "scale": list(self.scale), "bias": [list(row) for row in self.bias]}

    def apply(self, logits: Floats, read: NDArray[np.int64]) -> Floats:
        """`logits [N, K]` after `read [N]` sentences: calibrated logits `[N, K]`, float64.

        >>> import numpy as np
        >>> c = Calibration((0, 1), (0.0, 0.5), ((0, 1), (0, 0)))
        >>> c.apply(np.array([[0.0, 4.0], [0.0, 4.0]]), np.array([0, 7])).tolist()
        [[0.0, 1.0], [0.0, 2.0]]
        """
        scale, bias = self._moving
        at = np.minimum(read, len(scale) - 1)
        return np.asarray(scale[at] * logits + bias[at], dtype=np.float64)

    @cached_property
    def _moving(self) -> tuple[Floats, Floats]:
        """The scale `[S, 1]` and the bias `[S, K]` after 0, 1, … sentences, up to the first that are for ever."""
        knots = np.log1p(self.sentences)
        at = np.log1p(np.arange(math.ceil(self.sentences[-1]) + 1))
        columns = [np.interp(at, knots, column) for column in (self.scale, *zip(*self.bias, strict=True))]
        return np.stack(columns[:1], axis=1), np.stack(columns[1:], axis=1)


def softmax(logits: Floats) -> Floats:
    """Probabilities of `logits [N, K]`, each row summing to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def log_odds(logits: Floats) -> Floats:
    """The last class against all others together: `[N]`; for two classes the difference of the logits."""
    rest = logits[:, :-1]
    top = rest.max(axis=1)
    return np.asarray(logits[:, -1] - top - np.log(np.exp(rest - top[:, None]).sum(axis=1)))
