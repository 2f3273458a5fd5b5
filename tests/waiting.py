"""Waiting for what takes its time, and limits that hold on a machine that others use, too.

a condition --looked at again and again--> it is so, or an AssertionError that says what was not
a reading --taken again and again------> it changes no more
readings in seconds, in rounds --------> one round of them is good, or an AssertionError with all of them
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from statistics import median_high
from typing import Final

PATIENCE: Final = 20.0
"""Seconds after which something that should have happened has not."""
READY_SECONDS: Final = 300.0
"""Longer than a process takes to start, however busy the machine."""


def eventually(true: Callable[[], bool], what: str, seconds: float = PATIENCE, pause: float = 0.005) -> None:
    """Waits until something is so."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, f"still not so: {what}"
        time.sleep(pause)


def soon(true: Callable[[], bool], what: str) -> None:
    """Waits until something is so that takes its seconds: processes that start, servers that find each other."""
    eventually(true, what, READY_SECONDS, 0.05)


def settled(read: Callable[[], float], pause: float = 0.2) -> float:
    """Waits until a reading changes no more: what is counted after its answer is counted late on a busy machine."""
    seen = [read()]
    until = time.monotonic() + PATIENCE
    while seen[-5:] != 5 * seen[-1:]:
        assert time.monotonic() < until, f"it still changes: {seen[-5:]}"
        time.sleep(pause)
        seen.append(read())
    return seen[-1]


def within(limit: float, measure: Callable[[], Iterable[float]], rounds: int = 8) -> None:
    """Every reading is below the limit (seconds), in one of several rounds.

    On a machine that others use any single reading can be spoilt from outside; a round of good ones cannot come about
    where the code is too slow.
    """
    _some_round(limit, measure, rounds, lambda found: found[-1] < limit)


def mostly_within(limit: float, measure: Callable[[], Iterable[float]], rounds: int = 5) -> None:
    """Most readings are below the limit (seconds) and none is far above, in one of several rounds: where the code is
    too slow, most are not."""
    _some_round(limit, measure, rounds, lambda found: median_high(found) < limit and found[-1] < 10 * limit)


def _some_round(
    limit: float, measure: Callable[[], Iterable[float]], rounds: int, good: Callable[[list[float]], bool]
) -> None:
    """`good` is told the readings of a round, the shortest first."""
    seen = []
    for _ in range(rounds):
        seen.append(sorted(measure()))
        if good(seen[-1]):
            return
    said = "; ".join(", ".join(f"{seconds:.3f}" for seconds in readings) for readings in seen)
    raise AssertionError(f"{limit} s is promised, the readings of each round were {said}")
