"""The linear path in which a word counts once: see models/once.py.

tokens --table, the mean over each slot--> slots [N, 1024] --those not seen yet--> sums [B, 2], seen [B, 64]
"""

from __future__ import annotations

from typing import Final

import numpy as np

from models.arrays.network import Network
from models.arrays.tokens import Floats, Tokens

SLOTS: Final = 1024
"""Bits of the memory. Word i has slot i modulo this, so the commonest words share theirs with no other common one."""
BITS: Final = 16
"""So many of them are one number of the state: a float32 holds any sixteen exactly."""
FEW: Final = 15
"""Words and pairs that, as it were, had been read before the first and said nothing: a text of five words says little,
whichever five they are."""
_PACKED: Final = np.dtype("<u2")


class Once(Network):
    """The state is the inner one, then the weights added up, their number, and what was seen, sixteen bits each."""

    def __init__(self, inner: Network, table: Floats, *, words: int, pairs: int) -> None:
        self.inner = inner
        self.weights = table[:, 0]
        self.words = words
        self.pairs = pairs
        self.width = inner.width + 2 + SLOTS // BITS

    def encode(self, tokens: Tokens) -> Floats:
        rows = tokens.grams(self.words, self.pairs)
        inner = self.inner.encode(tokens)
        x = np.zeros((len(inner), inner.shape[1] + SLOTS), np.float32)
        x[:, :-SLOTS] = inner
        weights = self.weights[rows.rows]
        slot = np.repeat(np.arange(len(inner)) * SLOTS, rows.counts) + rows.rows % SLOTS
        number = np.zeros(len(inner) * SLOTS, np.int32)
        np.add.at(number, slot, (weights != 0).view(np.int8))
        weights /= np.maximum(number[slot], 1)
        np.add.at(x.ravel(), slot + (slot // SLOTS + 1) * inner.shape[1], weights)
        return x

    def update(self, state: Floats, x: Floats, out: Floats) -> None:
        own = self.inner.width
        self.inner.update(state[:, :own], x[:, :-SLOTS], out[:, :own])
        slots = x[:, -SLOTS:]
        seen = np.unpackbits(state[:, own + 2 :].astype(_PACKED).view(np.uint8), axis=1, bitorder="little")
        told = slots != 0
        new = told > seen
        out[:, own] = state[:, own] + np.einsum("ij,ij->i", slots, new)
        out[:, own + 1] = state[:, own + 1] + np.count_nonzero(new, axis=1)
        out[:, own + 2 :] = np.packbits(told | seen.view(np.bool_), axis=1, bitorder="little").view(_PACKED)

    def features(self, state: Floats) -> Floats:
        return self.inner.features(state[:, : self.inner.width])

    def readout(self, state: Floats) -> Floats:
        own = self.inner.width
        logits = self.inner.readout(state[:, :own])
        odds = state[:, own] / np.sqrt(state[:, own + 1] + FEW) / 2
        logits[:, 0] -= odds
        logits[:, 1] += odds
        return logits
