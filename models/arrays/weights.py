"""The arrays of a model by the names that the torch modules give them, each taken once and at the shape that is wanted.

{name: array} --take(name, shape)--> array      close(): nothing may be left over
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays.tokens import Floats


class UnfitError(Exception):
    """The weights are not those of the network that asks; torch, asked next, takes them or says what is wrong."""


class Weights:
    def __init__(self, arrays: Mapping[str, NDArray[Any]], prefix: str = "", left: set[str] | None = None) -> None:
        self._arrays = arrays
        self._prefix = prefix
        self._left = set(arrays) if left is None else left

    def within(self, prefix: str) -> Weights:
        """The ones whose names begin so."""
        return Weights(self._arrays, f"{self._prefix}{prefix}.", self._left)

    def take(self, name: str, *shape: int) -> Floats:
        name = self._prefix + name
        if name not in self._left or self._arrays[name].shape != shape or self._arrays[name].dtype != np.float32:
            raise UnfitError(name)
        self._left.remove(name)
        return self._arrays[name]

    def close(self) -> None:
        """Raises UnfitError where some were not taken."""
        if self._left:
            raise UnfitError(*self._left)
