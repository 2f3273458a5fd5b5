"""Parallel convolutions over embeddings, folded: what a kernel makes of a word at an offset is a row of a table.

ids, gaps between sentences --folded rows [L, 15F]--> shifted by their offsets and added [L, 3F] --ReLU, sum--> [N, 3F]

A convolution over an embedding is linear, so its product with every word can be worked out beforehand, and at
inference only a sum is left. Of the most common words it is (they are nearly all of a text); of the others when they
come, because the table has 15F numbers for each: 3 KB where F is 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.arrays.tokens import Floats, Ints, Tokens

KERNELS: Final = (3, 5, 7)
FOLDED: Final = 8192
"""Words whose products are kept: 25 MB where F is 50."""
AT_ONCE: Final = 512
"""Words that are worked on together, so that their rows stay in the cache."""


class Inception:
    """As `convolutions.InceptionEncoder`: kernels `[F, E, 3]`, `[F, E, 5]`, `[F, E, 7]` with their biases, over
    `embedding [1 + V, E]`.

    Columns are sorted by offset: the middle one, which all kernels see, then 1 to the left and right, which they all
    see too, then 2, which the last two see, then 3, which only the last one sees.
    """

    def __init__(self, embedding: Floats, kernels: Sequence[Floats], biases: Sequence[Floats]) -> None:
        self.embedding = embedding
        self.filters = len(biases[0])
        self.bias = np.concatenate(biases)
        self.gap = max(KERNELS) // 2
        by_offset = []
        self._places: list[tuple[int, slice, int]] = []
        begin = 0
        for offset in sorted(range(-self.gap, self.gap + 1), key=abs):
            seeing = [
                kernel[:, :, k // 2 + offset]
                for k, kernel in zip(KERNELS, kernels, strict=True)
                if abs(offset) <= k // 2
            ]
            by_offset.append(np.concatenate(seeing))
            end = begin + len(by_offset[-1])
            self._places.append((offset, slice(begin, end), len(self.bias) - len(by_offset[-1])))
            begin = end
        self.kernel = np.concatenate(by_offset).T.copy()
        """`[E, 15F]`"""
        self.folded = np.concatenate([embedding[:FOLDED] @ self.kernel, np.zeros((1, begin), np.float32)])

    def sums(self, tokens: Tokens) -> Floats:
        """The summed features of each sentence, `[N, 3F]`."""
        sums = np.empty((len(tokens.lengths), len(self.bias)), np.float32)
        for sentences, words in tokens.words.parts(AT_ONCE):
            sums[sentences] = self._sums(tokens.ids[words], tokens.lengths[sentences])
        return sums

    def _sums(self, ids: Ints, lengths: Ints) -> Floats:
        firsts = lengths.cumsum() - lengths + self.gap * np.arange(1, 1 + len(lengths))
        places = np.arange(len(ids)) + self.gap * (1 + np.repeat(np.arange(len(lengths)), lengths))
        none = len(self.folded) - 1
        ribbon = np.full(len(ids) + self.gap * (1 + len(lengths)), none)
        ribbon[places] = np.minimum(ids, none)
        products = self.folded.take(ribbon, axis=0)
        rare = np.flatnonzero(ids >= none)
        products[places[rare]] = self.embedding.take(ids[rare], axis=0) @ self.kernel
        features = np.repeat(self.bias[None], len(ribbon), axis=0)
        for offset, columns, first in self._places:
            # The feature at a place sees the word at place + offset.
            seen, at = products[max(offset, 0) :, columns], features[max(-offset, 0) :, first:]
            size = len(ribbon) - abs(offset)
            at[:size] += seen[:size]
        np.maximum(features, 0, out=features)
        # The sums of every sentence and every gap in turn.
        sums: Floats = np.add.reduceat(features, np.stack([firsts, firsts + lengths], axis=1).ravel(), axis=0)[::2]
        sums[lengths == 0] = 0
        return sums
