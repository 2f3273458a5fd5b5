"""A linear path in which a word counts once, however often a text has it: what was read is remembered by a bit.

tokens --table, the mean over the words and pairs of a slot--> slots [N, 1024]
slots --those whose bit is not set yet--> sums [B, 2] += (their weights, their number); seen |= their bits
sums --weights / √(number + 15)--> log-odds, beside the inner logits [B, 2]
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from models.arrays.once import BITS, FEW, SLOTS
from models.contract import Classifier, Tokens
from models.encoders import grams, rows_per_sentence
from models.wide import Wide, WideState


class Once(Wide):
    """`inner`, and the log-odds of the words and hashed pairs read so far, each counted once.

    A word that stands ten times in a text is no ten times the evidence: lists of the same lines over and over are what
    a running sum is most wrong about. Which words were read is kept by a filter of Bloom (1970) with one hash function.
    What shares a slot with something read in an earlier sentence is taken for it, and adds nothing; what shares one
    within a sentence adds its mean. So there is less and less that is new the more has been read, and after some
    thousands of different words and pairs the path stands still.

    The unknown word, and pairs that training never saw, have a row of zero: no evidence, and not counted. After the
    inner state come `sums [B, 2]`, the weights and their number, and `seen [B, 64]`.
    """

    def __init__(self, inner: Classifier[Any], *, words: int, pairs: int) -> None:
        super().__init__(inner, words=words, classes=1, pairs=pairs)
        self.register_buffer("powers", 2.0 ** torch.arange(BITS), persistent=False)

    def initial_state(self, batch: int) -> WideState:
        none = self.table.weight.new_zeros
        return (*self.inner.initial_state(batch), none(batch, 2), none(batch, SLOTS // BITS))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, D + 1024]`: the inner vector, and the mean weight of the sentence's words and pairs in each slot."""
        x = self.inner.encode(tokens)
        ids, starts = grams(tokens, self.words, self.pairs)
        sentences = torch.arange(len(starts), device=ids.device)
        slot = torch.repeat_interleave(sentences, rows_per_sentence(ids, starts)) * SLOTS + ids % SLOTS
        weight = self.table.weight[ids, 0]
        none = weight.new_zeros(len(starts) * SLOTS)
        total = none.scatter_add(0, slot, weight)
        number = none.scatter_add(0, slot, (weight != 0).to(weight.dtype))
        return torch.cat([x, (total / number.clamp(min=1)).reshape(-1, SLOTS)], dim=1)

    def update(self, state: WideState, x: Tensor, noise: Tensor | None = None) -> WideState:
        x, slots = x.split([x.shape[1] - SLOTS, SLOTS], dim=1)
        sums, packed = state[-2:]
        powers = self.get_buffer("powers")
        seen = (packed[:, :, None] / powers).floor().remainder(2).flatten(1)
        new = (slots != 0).to(x.dtype) * (1 - seen)
        sums = sums + torch.stack([(slots * new).sum(dim=1), new.sum(dim=1)], dim=1)
        packed = ((seen + new).unflatten(1, (-1, BITS)) * powers).sum(dim=2)
        return (*self.inner.update(self._within(state), x, noise), sums, packed)

    def readout(self, state: WideState) -> Tensor:
        total, read = state[-2].split(1, dim=1)
        # Half to either class: the difference of the two logits is what counts.
        odds = total / (read + FEW).sqrt() / 2
        return self.inner.readout(self._within(state)) + torch.cat([-odds, odds], dim=1)
