"""Whether what takes long grows as its text does, on a machine that others use, too.

seconds(size), of this process alone --linear--> an AssertionError where no try looks linear
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

TRIES: Final = 4
SLACK: Final = 2.5
"""What others on the same core may make of a ratio; quadratic is far above it in every try."""


def linear(seconds: Callable[[int], float], size: int, times: int, noise: float) -> None:
    """`times` as much takes about `times` as long, or less than `noise` seconds, in one of several tries."""
    seen = []
    for _ in range(TRIES):
        small, large = seconds(size // times), seconds(size)
        if large < max(noise, SLACK * times * small):
            return
        seen.append(f"{small:.3f} s, and {large:.3f} s for {times} times as much")
    raise AssertionError("; ".join(seen))
