"""Parallel convolutions over embeddings, folded: what a kernel makes of a word at an offset is a row of a table.

ids, gaps between sentences --a row per offset, shifted by it--> added up [L, 3F] --ReLU, sum--> [N, 3F]

A convolution over an embedding is linear, so its product with every word can be worked out beforehand, and at
inference only a sum is left. Of the most common words it is (they are nearly all of a text); of the others when they
come, because the tables have 21F numbers for each: 4 KB where F is 50.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.arrays.tokens import Floats, Ints, Tokens

KERNELS: Final = (3, 5, 7)
FOLDED: Final = 8192
"""Words whose products are kept: 34 MB where F is 50."""
AT_ONCE: Final = 512
"""Words that are worked on together, so that their rows stay in the cache."""
_FAR: Final = max(KERNELS) // 2
_OFFSETS: Final = sorted(range(-_FAR, _FAR + 1), key=abs)
"""The middle comes first; it brings the bias along."""


class Inception:
    """As `convolutions.InceptionEncoder`: kernels `[F, E, 3]`, `[F, E, 5]`, `[F, E, 7]` with their biases, over
    `embedding [1 + V, E]`. A kernel that does not see as far as an offset is zero there, so that what is added at
    each offset has one shape and lies without gaps, which is twice as fast."""

    def __init__(self, embedding: Floats, kernels: Sequence[Floats], biases: Sequence[Floats]) -> None:
        self.embedding = embedding
        self.bias = np.concatenate(biases)
        self.kernel = np.zeros((embedding.shape[1], len(_OFFSETS), len(self.bias)), np.float32)
        """`[E, 7, 3F]`"""
        first = 0
        for width, kernel in zip(KERNELS, kernels, strict=True):
            for row, offset in enumerate(_OFFSETS[:width]):
                self.kernel[:, row, first : first + len(kernel)] = kernel[:, :, width // 2 + offset].T
            first += len(kernel)
        nothing = np.zeros((1, embedding.shape[1]), np.float32)
        common = self._products(np.concatenate([embedding[:FOLDED], nothing]))
        self.folded = [common[:, row].copy() for row in range(len(_OFFSETS))]
        """For each offset the products of the common words and, last, of no word: `[W + 1, 3F]`."""

    def sums(self, tokens: Tokens) -> Floats:
        """The summed features of each sentence, `[N, 3F]`."""
        sums = np.empty((len(tokens.lengths), len(self.bias)), np.float32)
        for sentences, words in tokens.words.parts(AT_ONCE):
            sums[sentences] = self._sums(tokens.ids[words], tokens.lengths[sentences])
        return sums

    def _products(self, embedded: Floats) -> Floats:
        """What each word `[W, E]` adds at each offset, `[W, 7, 3F]`."""
        products = embedded @ self.kernel.reshape(len(self.kernel), -1)
        products = products.reshape(len(embedded), len(_OFFSETS), len(self.bias))
        products[:, 0] += self.bias
        return products

    def _sums(self, ids: Ints, lengths: Ints) -> Floats:
        """The same of sentences that go at once: all lie on one ribbon, with gaps that no kernel sees across."""
        firsts = lengths.cumsum() - lengths + _FAR * np.arange(1, 1 + len(lengths))
        places = np.arange(len(ids)) + _FAR * (1 + np.repeat(np.arange(len(lengths)), lengths))
        none = len(self.folded[0]) - 1
        ribbon = np.full(len(ids) + _FAR * (1 + len(lengths)), none)
        ribbon[places] = np.minimum(ids, none)
        rare = np.flatnonzero(ids >= none)
        products = self._products(self.embedding.take(ids[rare], axis=0))
        features = np.zeros(len(ribbon) * len(self.bias), np.float32)
        for row, offset in enumerate(_OFFSETS):
            added = self.folded[row].take(ribbon, axis=0)
            added[places[rare]] = products[:, row]
            # The feature at a place sees the word at place + offset.
            shift = abs(offset) * len(self.bias)
            end = len(features) - shift
            to, seen = (0, shift) if offset > 0 else (shift, 0)
            features[to : to + end] += added.ravel()[seen : seen + end]
        # x + |x| is twice the ReLU of x, and faster than it.
        features += np.abs(features)
        edges = np.stack([firsts, firsts + lengths], axis=1).ravel()
        # The sums of every sentence and every gap in turn.
        sums: Floats = np.add.reduceat(features.reshape(len(ribbon), -1), edges, axis=0)[::2]
        sums[lengths == 0] = 0
        sums *= 0.5
        return sums
