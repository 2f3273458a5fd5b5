"""The token ids of a batch, and the table rows of their words and pairs.

ids of N sentences --Tokens--> grams: rows of a table, and where each sentence's begin --Table--> sums [N, E]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_PRIME: Final = 1_000_003
AT_ONCE: Final = 1024
"""Rows of a table that are gathered before they are added up, so that they are still in the cache then."""


class Tokens:
    """The token ids of N sentences end to end, `ids [T]`, each one's number, `lengths [N]`, and where they start."""

    def __init__(self, sentences: Sequence[Sequence[int]]) -> None:
        self.lengths: Ints = np.fromiter(map(len, sentences), np.int64, len(sentences))
        self.ids: Ints = np.fromiter(chain.from_iterable(sentences), np.int64, int(self.lengths.sum()))
        self._grams: dict[tuple[int, int], Runs] = {}

    @cached_property
    def words(self) -> Runs:
        return Runs(self.ids, self.lengths)

    def grams(self, words: int, pairs: int) -> Runs:
        """The rows that a table of `1 + words + pairs` has for each sentence's words and hashed pairs, as
        `encoders.grams` has them. Worked out once, however many tables ask."""
        if not pairs:
            return self.words
        if (words, pairs) not in self._grams:
            self._grams[words, pairs] = self._with_pairs(words, pairs)
        return self._grams[words, pairs]

    def _with_pairs(self, words: int, pairs: int) -> Runs:
        """Each word and the pair that it begins with the next, which the last of a sentence does not."""
        some = self.lengths > 0
        both = np.empty((len(self.ids), 2), np.int64)
        both[:, 0] = self.ids
        np.add(self.buckets(pairs), 1 + words, out=both[:, 1])
        is_row = np.ones(both.size, np.bool_)
        is_row[2 * self.words.ends[some] - 1] = False
        return Runs(both.ravel()[is_row], 2 * self.lengths - some)

    def buckets(self, pairs: int) -> Ints:
        """The bucket of each word and the next, of so many: `[T]`; the last word's of a sentence means nothing."""
        # The remainder, which NumPy by itself divides for one by one.
        found: Ints = self._pairs - self._pairs // pairs * pairs
        return found

    @cached_property
    def _pairs(self) -> Ints:
        """A number for each word and the next; the last word's means nothing."""
        keys = self.ids * _PRIME
        keys[:-1] += self.ids[1:] * 31
        return keys


class Runs:
    """Rows of a table, `rows [T]`, N runs of `counts [N]` each."""

    def __init__(self, rows: Ints, counts: Ints) -> None:
        self.rows = rows
        self.counts = counts
        self.ends = counts.cumsum()

    def parts(self, size: int) -> Iterator[tuple[slice, slice]]:
        """As many whole runs at a time as `size` rows hold, or one that is longer: which runs, and their rows."""
        first, begin = 0, 0
        while first < len(self.ends):
            last = max(int(self.ends.searchsorted(begin + size, "right")), first + 1)
            end = int(self.ends[last - 1])
            yield slice(first, last), slice(begin, end)
            first, begin = last, end

    def sums(self, table: Floats) -> Floats:
        """The sum of the rows of `table [V, E]` over each run: `[N, E]`, zero over none."""
        sums = np.zeros((len(self.counts), table.shape[1]), np.float32)
        if not self.counts.all():
            some = self.counts.nonzero()[0]
            sums[some] = Runs(self.rows, self.counts[some]).sums(table)
            return sums
        for runs, rows in self.parts(AT_ONCE):
            starts = self.ends[runs] - self.counts[runs] - rows.start
            np.add.reduceat(table.take(self.rows[rows], axis=0), starts, axis=0, out=sums[runs])
        return sums


def per(total: Floats, number: Floats | Ints) -> Floats:
    """`total [N, D]` over `number [N]`; where that is 0 the total, which is 0 too."""
    return np.divide(total, np.maximum(number, 1)[:, None], dtype=np.float32)
