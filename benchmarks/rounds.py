"""Things that do the same, timed in turn, so that what disturbs one disturbs the others too.

{name: work} --rounds, each doing all of them once--> {name: Times}
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeVar

from tqdm import trange

T = TypeVar("T")


@dataclass(frozen=True)
class Times:
    """Seconds of CPU that each round of `pieces` pieces of work took; `ratios` to the first thing in the same round."""

    seconds: tuple[float, ...]
    ratios: tuple[float, ...]
    pieces: int

    @property
    def each(self) -> float:
        """The median, in seconds a piece."""
        return median(self.seconds) / self.pieces

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.seconds) / self.pieces, max(self.seconds) / self.pieces

    @property
    def ratio(self) -> float:
        """How many times as fast as the first thing; the median of the rounds."""
        return median(self.ratios)


def measure(works: Mapping[str, Callable[[], object]], rounds: int, pieces: int, repeat: int = 1) -> dict[str, Times]:
    """Each work is done `repeat` times a round, and as often before the first one."""
    return turns({name: partial(seconds, work, repeat) for name, work in works.items()}, rounds, pieces * repeat)


def turns(works: Mapping[str, Callable[[], float]], rounds: int, pieces: int) -> dict[str, Times]:
    """The same of works that tell themselves how many seconds they took."""
    took = in_turn(works, rounds)
    first = took[next(iter(works))]
    return {
        name: Times(tuple(found), tuple(a / b for a, b in zip(first, found, strict=True)), pieces)
        for name, found in took.items()
    }


def in_turn(works: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each work gave in every round; each was done once before, to warm up, which does not count."""
    for work in works.values():
        work()
    gave: dict[str, list[T]] = {name: [] for name in works}
    for _ in trange(rounds, desc="rounds", leave=False):
        for name, work in works.items():
            gave[name].append(work())
    return gave


def seconds(work: Callable[[], object], repeat: int = 1) -> float:
    """Seconds of CPU that this process took for it."""
    began = time.process_time()
    for _ in range(repeat):
        work()
    return time.process_time() - began


def machine() -> str:
    """What it runs on, and how busy that is: a line."""
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, load {busy}"
