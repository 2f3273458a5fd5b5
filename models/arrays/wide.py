"""The linear path of words and pairs, beside any network: see models/wide.py.

tokens --words not seen yet, pairs--> what each sentence adds [N, 66] --added up--> sums [B, 2], seen [B, 64]

What is new in a sentence needs no step by step: of the sentences that come together it is told for all at once which
of them has a word first. And a bit that was not set is set by adding it, so a step is one sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.arrays.network import Network, steps
from models.arrays.tokens import Floats, Ints, Tokens

SLOTS: Final = 1024
"""Bits of the memory. Word i has slot i modulo this, so the commonest words share theirs with no other common one."""
BITS: Final = 16
"""So many of them are one number of the state: a float32 holds any sixteen exactly."""
FEW: Final = 15
"""Words and pairs that, as it were, had been read before the first and said nothing: a text of five words says little,
whichever five they are."""
_PACKED: Final = np.dtype("<u2")
_OWN: Final = 2 + SLOTS // BITS


class Wide(Network):
    """The state is the inner one, then the weights added up, their number, and what was seen, sixteen bits each."""

    def __init__(self, inner: Network, table: Floats, words: int) -> None:
        self.inner = inner
        self.words = table[: 1 + words, 0]
        self.pairs = table[1 + words :, 0]
        self.width = inner.width + _OWN

    def advance(self, state: Floats, tokens: Tokens, widths: Sequence[int], out: Floats) -> None:
        own = self.inner.width
        self.inner.advance(state[:, :own], tokens, widths, out[:, :own])
        added = self._added(state[:, own + 2 :], tokens, widths)
        for before, here, now in steps(state[:, own:], widths, out[:, own:]):
            np.add(before, added[here], out=now)

    def _added(self, packed: Floats, tokens: Tokens, widths: Sequence[int]) -> Floats:
        """What each sentence adds to its sequence's own part of the state, `[N, 66]`, where of the slots of each
        sequence those of `packed [B, 64]` were seen before."""
        number = len(tokens.lengths)
        added = np.zeros((number, _OWN), np.float32)
        sequence = np.concatenate([np.arange(width) for width in widths])
        of = np.repeat(np.arange(number), tokens.lengths)
        weight = self.words[tokens.ids]
        slot = tokens.ids % SLOTS
        place = sequence[of] * SLOTS + slot
        seen = np.unpackbits(packed.astype(_PACKED).view(np.uint8), bitorder="little")
        new = ((weight != 0) & (seen[place] == 0)).nonzero()[0]
        sentence, weight, slot, first = of[new], weight[new], slot[new], _first(place[new], seen.size)
        leads = (first == np.arange(len(first))).nonzero()[0]
        # Those in the sentence that had their slot first, which share it.
        among = (sentence == sentence[first]).nonzero()[0]
        share = np.bincount(first[among], minlength=len(first))[first[among]]
        added[:, 0] = np.bincount(sentence[among], weight[among] / share, number)
        added[:, 1] = np.bincount(sentence[leads], minlength=number)
        bits = np.bincount(
            sentence[leads] * (_OWN - 2) + slot[leads] // BITS, 1 << slot[leads] % BITS, added[:, 2:].size
        )
        added[:, 2:] = bits.reshape(number, -1)
        if len(self.pairs):
            pairs = self.pairs[tokens.buckets(len(self.pairs))]
            pairs[tokens.words.ends[tokens.lengths > 0] - 1] = 0
            added[:, 0] += np.bincount(of, pairs, number)
            added[:, 1] += np.maximum(tokens.lengths - 1, 0)
        return added

    def features(self, state: Floats) -> Floats:
        return self.inner.features(state[:, : self.inner.width])

    def readout(self, state: Floats) -> Floats:
        own = self.inner.width
        logits = self.inner.readout(state[:, :own])
        odds = state[:, own] / np.sqrt(state[:, own + 1] + FEW) / 2
        logits[:, 0] -= odds
        logits[:, 1] += odds
        return logits


def _first(places: Ints, number: int) -> Ints:
    """Where in `places [T]`, numbers below `number`, each one's first of its kind is: `[T]`."""
    last = np.empty(number, np.int64)
    last[places[::-1]] = np.arange(len(places))[::-1]
    return last[places]
