"""Observations in memory, written down together: to write each by itself costs more than the work it tells of.

    Sum.add, Spread.add --waiting--> Ledger.write, soon, and before a scrape --> prometheus_client
    Level: read when it is written

With several workers prometheus_client keeps each number in a shared file: 2 to 10 µs a histogram's observation, and a
request makes about twenty. Memory is what comes in a tenth of a second, which is also what a killed worker loses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from models.reference import binned
from service.later import Later

Labels = str | tuple[str, ...]
E = TypeVar("E", "Sum", "Spread")


class Sum:
    """What a counter, whose labels are given, is to grow by."""

    __slots__ = ("_counter", "_waiting")

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._waiting = 0.0

    def add(self, amount: float = 1) -> None:
        self._waiting += amount

    @property
    def total(self) -> float:
        """Of this process, with what waits."""
        return float(self._counter._value.get()) + self._waiting

    def write(self) -> None:
        if self._waiting:
            self._counter.inc(self._waiting)
            self._waiting = 0.0


class Spread:
    """What a histogram, whose labels are given, is to take in."""

    __slots__ = ("_bounds", "_histogram", "_waiting", "add", "add_all")

    def __init__(self, histogram: Histogram) -> None:
        self._histogram = histogram
        self._bounds = tuple(histogram._upper_bounds[:-1])  # without +Inf
        self._waiting: list[float] = []
        self.add: Callable[[float], None] = self._waiting.append
        self.add_all: Callable[[Iterable[float]], None] = self._waiting.extend

    def write(self) -> None:
        """As observe() for each, but every bucket is written once; a test holds it against observe()."""
        if not self._waiting:
            return
        self._histogram._sum.inc(sum(self._waiting))
        for bucket, count in zip(self._histogram._buckets, binned(self._bounds, self._waiting), strict=True):
            if count:
                bucket.inc(count)
        self._waiting.clear()


class Level:
    """A gauge, whose labels are given, and where its number is read."""

    __slots__ = ("_gauge", "_read", "_written")

    def __init__(self, gauge: Gauge, read: Callable[[], float]) -> None:
        self._gauge = gauge
        self._read = read
        self._written = 0.0

    def write(self) -> None:
        if (now := self._read()) != self._written:
            self._gauge.set(now)
            self._written = now


class Table(dict[Labels, E], Generic[E]):
    """Entries of one metric by their labels, made when they are first asked for: from then on they are there, at 0.

    The key is the one label, a tuple of several, or () for none.
    """

    def __init__(self, metric: Any, entry: Callable[[Any], E]) -> None:
        self._metric = metric
        self._entry: Callable[[Any], E] = entry

    def start(self, labels: Iterable[Labels]) -> None:
        """These are there from now on."""
        for each in labels:
            self.__getitem__(each)

    def __missing__(self, labels: Labels) -> E:
        values = (labels,) if isinstance(labels, str) else labels
        made = self[labels] = self._entry(self._metric.labels(*values) if values else self._metric)
        return made


class Ledger:
    """All that waits to be written in one process."""

    def __init__(self) -> None:
        self._tables: list[Table[Sum] | Table[Spread]] = []
        self._levels: list[Level] = []
        self._later = Later(self._write)
        self.touch = self._later.touch
        """Something waits."""
        self.write = self._later.now

    def sums(self, counter: Counter) -> Table[Sum]:
        table = Table(counter, Sum)
        self._tables.append(table)
        return table

    def spreads(self, histogram: Histogram) -> Table[Spread]:
        table = Table(histogram, Spread)
        self._tables.append(table)
        return table

    def level(self, gauge: Gauge, read: Callable[[], float]) -> None:
        self._levels.append(Level(gauge, read))

    def _write(self) -> None:
        for table in self._tables:
            for entry in table.values():
                entry.write()
        for level in self._levels:
            level.write()
