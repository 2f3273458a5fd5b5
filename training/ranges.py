"""Between what bounds the numbers of a recipe may lie, each in one line.

{name: value, table: {name: value}} --check--> nothing, or RecipeError: what, got, wanted
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from training.errors import RecipeError


class Range(NamedTuple):
    """From `low` to `high`, both allowed unless it is `above` the one or `below` the other; `words` say it."""

    words: str
    low: float
    high: float = math.inf
    above: bool = False
    below: bool = False

    def holds(self, value: float) -> bool:
        inside = self.low < value if self.above else self.low <= value
        # A bound that is infinite lets no infinite value pass, and nothing lets one pass that is not a number.
        return math.isfinite(value) and inside and (value < self.high if self.below else value <= self.high)


SOME: Final = Range("1 or more", 1)
NONE: Final = Range("0 or more", 0)
MORE: Final = Range("more than 0", 0, above=True)
SHARE: Final = Range("0 to 1", 0, 1)
DROPPED: Final = Range("0 or more and less than 1", 0, 1, below=True)

RANGES: Final[dict[str, Range]] = {
    "seed": Range("0 to 4,294,967,295", 0, 2**32 - 1),  # what NumPy takes
    "words": SOME,
    "most_sentences": NONE,
    "epochs": SOME,
    "patience": NONE,
    "batch": SOME,
    "rate": MORE,
    "warmup": NONE,
    "weight_decay": NONE,
    "clip": MORE,
    "average": DROPPED,
    "minutes": NONE,
    "parts": SOME,
    "fold": Range("0 to 9", 0, 9),  # a tenth each is the smallest test that moves
    "vary": SHARE,
    "dress": SHARE,
    "repeat": MORE,
    "others": SOME,
    "sizes.embedding": SOME,
    "sizes.hidden": SOME,
    "sizes.filters": SOME,
    "sizes.dense": SOME,
    "sizes.max_tokens": SOME,
    "sizes.trees": SOME,
    "sizes.depth": Range("1 to 20", 1, 20),  # every tree has 2^depth leaves, whether it needs them or not
    "sizes.pairs": NONE,
    "sizes.wide_pairs": NONE,
    "sizes.length": SHARE,
    "sizes.word_dropout": DROPPED,
    "sizes.dropout": DROPPED,
    "sizes.recurrent_dropout": DROPPED,
}
"""By name; that of a table is for all numbers in it. A size of which only some values exist, such as `layers`, has a
choice for its type, and is checked with that."""


def check(recipe: Mapping[str, Any]) -> None:
    """Raises RecipeError at the first number that lies outside."""
    for name, value in recipe.items():
        numbers = {f"{name}.{i}": v for i, v in value.items()} if isinstance(value, dict) else {name: value}
        for full, number in numbers.items():
            wanted = RANGES.get(full) or RANGES.get(name)
            if wanted and not wanted.holds(number):
                raise RecipeError(f"{full} = {number!r}, wanted {wanted.words}")
    if recipe["warmup"] >= recipe["epochs"]:
        raise RecipeError(
            f"warmup = {recipe['warmup']!r} with epochs = {recipe['epochs']}: the rate rises over `warmup` epochs and "
            "falls over the rest, wanted fewer than there are"
        )
