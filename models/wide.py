"""A linear model of words and pairs beside a classifier of any family, in which a word counts once.

tokens --inner--> x, state, logits [B, K] ------------------------------------------------+--> logits [B, 2]
words --table, the mean over those of a slot--> slots [N, 1024] --not seen yet--> added up +
pairs --table--> added up -----------------------------------------------------------------> sums / √(number + 15)
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.arrays.wide import BITS, FEW, SLOTS
from models.contract import Classifier, Tokens
from models.encoders import hashed_pairs
from models.vocabulary import Vocabulary

WideState = tuple[Tensor, ...]
"""The tensors of the inner state; then `sums [B, 2]`, the weights added up and how many they were; and `seen [B, 64]`,
a bit for each slot whose word was read."""


class Wide(Classifier[WideState]):
    """`inner`, and the log-odds of the words and hashed word pairs read so far (Cheng et al. 2016). For two classes.

    Their weights are added up and divided by the root of how many there were: counts over √n are a vector of about one
    length, however long the text, where a bare sum grows with it. That is what tf-idf's unit length does for a text
    that is there whole, and it streams.

    A word that stands ten times in a text is no ten times the evidence, so it counts where it comes first. Which words
    were read is kept by a filter of Bloom (1970) with one hash function: one that shares its slot with a word of an
    earlier sentence is taken for it, and adds nothing; those that share one within a sentence add their mean. A word
    without a weight, such as the unknown one, is not counted. Pairs seldom come twice, and count as often as they come.

    The inner classifier is trained by itself, and the table fitted after it (training/wide.py).
    """

    def __init__(self, inner: Classifier[Any], *, words: int, pairs: int) -> None:
        super().__init__()
        self.inner = inner
        self.state = type(inner.initial_state(0))
        self.words = words
        self.pairs = pairs
        self.table = nn.Embedding(1 + words + pairs, 1).requires_grad_(False)
        nn.init.zeros_(self.table.weight)
        self.register_buffer("powers", 2.0 ** torch.arange(BITS), persistent=False)

    def initial_state(self, batch: int) -> WideState:
        none = self.table.weight.new_zeros
        return (*self.inner.initial_state(batch), none(batch, 2), none(batch, SLOTS // BITS))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, D + 2 + 1024]`: the inner vector, the sum of the weights of the sentence's pairs and their number, and
        the mean weight of its words in each slot."""
        x = self.inner.encode(tokens)
        weight = self.table.weight[tokens.ids, 0]
        none = weight.new_zeros(len(x) * SLOTS)
        slot = tokens.sentence * SLOTS + tokens.ids % SLOTS
        number = none.scatter_add(0, slot, (weight != 0).to(weight.dtype))
        words = none.scatter_add(0, slot, weight) / number.clamp(min=1)
        return torch.cat([x, self._pairs(tokens), words.view(-1, SLOTS)], dim=1)

    def _pairs(self, tokens: Tokens) -> Tensor:
        """The sum of the weights of each sentence's pairs, and their number: `[N, 2]`."""
        none = self.table.weight.new_zeros(len(tokens.lengths), 2)
        if not self.pairs:
            return none
        buckets, sentence = hashed_pairs(tokens, self.pairs)
        weight = self.table.weight[buckets + 1 + self.words]
        return none.index_add(0, sentence, torch.cat([weight, torch.ones_like(weight)], dim=1))

    def prepare(self, vocabulary: Vocabulary) -> None:
        self.inner.prepare(vocabulary)

    def room(self, state: WideState) -> Tensor | None:
        return self.inner.room(self._within(state))

    def sample_noise(self, batch: int) -> Tensor | None:
        return self.inner.sample_noise(batch)

    def update(self, state: WideState, x: Tensor, noise: Tensor | None = None) -> WideState:
        x, pairs, words = x.split([x.shape[1] - 2 - SLOTS, 2, SLOTS], dim=1)
        sums, packed = state[-2:]
        powers = self.get_buffer("powers")
        seen = (packed[:, :, None] / powers).floor().remainder(2).flatten(1)
        new = (words != 0).to(x.dtype) * (1 - seen)
        sums = sums + pairs + torch.stack([(words * new).sum(dim=1), new.sum(dim=1)], dim=1)
        packed = packed + (new.unflatten(1, (-1, BITS)) * powers).sum(dim=2)
        return (*self.inner.update(self._within(state), x, noise), sums, packed)

    def features(self, state: WideState) -> Tensor:
        return self.inner.features(self._within(state))

    def readout(self, state: WideState) -> Tensor:
        total, number = state[-2].split(1, dim=1)
        # Half to either class: the difference of the two logits is what counts.
        odds = total / (number + FEW).sqrt() / 2
        return self.inner.readout(self._within(state)) + torch.cat([-odds, odds], dim=1)

    def _within(self, state: WideState) -> Any:
        return self.state(*state[:-2])
