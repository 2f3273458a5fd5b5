"""Sentence vectors through a stack of one to four recurrent layers.

words --encoder, by name--> x [N, D] --cell, connection, cell, …--> memory [B, L, M] --linear--> logits [B, K]

What a layer gives on is made of its h and of what came in (plain, residual, highway). It can be had from the
memory alone, so nothing else is kept, and the readout sees what the top layer gives on: with `plain` its h.
"""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from models.cells import Cell, GRUCell, LSTMCell, SimpleRNNCell
from models.connections import CONNECTIONS
from models.contract import Classifier, Tokens
from models.encoders import sentence_encoder


class RecurrentState(NamedTuple):
    """`memory [B, L, M]`: what each of L layers remembers (see models/cells.py), zero before the first sentence."""

    memory: Tensor


class Recurrent(Classifier[RecurrentState]):
    """Sentence vectors, `layers` cells on top of one another, a linear readout.

    Dropout is variational (Gal and Ghahramani 2016): one mask per sequence, `dropout` on what comes into each
    layer and `recurrent_dropout` on what goes round in it.

    A sentence's vector is what the encoder says times its number of words to the power of `length`. For the mean
    of the embeddings that is 0 the mean, 1 the sum. The mean of many words is small, whatever they say, and a lone
    word counts as much as a paragraph; with 1/2 independent words give vectors of one size.
    """

    cell: ClassVar[type[Cell]]

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        encoder: Literal["bow", "pooled", "inception"] = "pooled",
        pairs: int = 0,
        embedding: int = 64,
        hidden: int = 128,
        layers: Literal[1, 2, 3, 4] = 1,
        connection: Literal["plain", "residual", "highway"] = "plain",
        layer_norm: Literal[0, 1] = 0,
        length: float = 0.0,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = sentence_encoder(encoder, words, pairs, embedding, word_dropout)
        widths = [self.encoder.width] + [hidden] * layers
        self.cells = nn.ModuleList(self.cell(inputs, h, bool(layer_norm)) for inputs, h in pairwise(widths))
        self.connections = nn.ModuleList(CONNECTIONS[connection](hidden) for _ in range(layers - 1))
        self.linear = nn.Linear(hidden, classes)
        self.length = length
        self.keep = (1 - dropout, 1 - recurrent_dropout)
        self.masks = [width for inputs, h in pairwise(widths) for width in (inputs, h)]

    def initial_state(self, batch: int) -> RecurrentState:
        width = self.cell.parts * self.linear.in_features
        return RecurrentState(self.linear.weight.new_zeros(batch, len(self.cells), width))

    def encode(self, tokens: Tokens) -> Tensor:
        return self.encoder(tokens) * tokens.lengths.float().pow(self.length)[:, None]

    def sample_noise(self, batch: int) -> Tensor:
        """`[B, D + H + …]`, for each layer a mask on what comes in and one on what goes round: each number is
        dropped, or scaled up, through the whole sequence."""
        weight = self.linear.weight
        keeps = self.keep * len(self.cells)
        masks = [
            torch.bernoulli(weight.new_full((batch, w), keep)) / keep for w, keep in zip(self.masks, keeps, strict=True)
        ]
        return torch.cat(masks, dim=1)

    def update(self, state: RecurrentState, x: Tensor, noise: Tensor | None = None) -> RecurrentState:
        masks = None if noise is None else noise.split(self.masks, dim=1)
        after: list[Tensor] = []
        for layer, (cell, memory) in enumerate(zip(self.cells, state.memory.unbind(dim=1), strict=True)):
            if masks is None:
                after.append(cell(x, memory))
            else:
                after.append(cell(x * masks[2 * layer], memory, masks[2 * layer + 1]))
            x = self._given_on(layer, x, self.cell.h(after[-1]))
        return RecurrentState(torch.stack(after, dim=1))

    def features(self, state: RecurrentState) -> Tensor:
        """What the top layer gives on, `[B, H]`."""
        x = state.memory[:, 0]
        for layer, memory in enumerate(state.memory.unbind(dim=1)):
            x = self._given_on(layer, x, self.cell.h(memory))
        return x

    def readout(self, state: RecurrentState) -> Tensor:
        return self.linear(self.features(state))

    def _given_on(self, layer: int, x: Tensor, h: Tensor) -> Tensor:
        """A layer's h, connected with what came in; the lowest has another width below it, and gives on its h."""
        return self.connections[layer - 1](x, h) if layer else h


class SimpleRNN(Recurrent):
    cell = SimpleRNNCell


class GRU(Recurrent):
    cell = GRUCell


class LSTM(Recurrent):
    cell = LSTMCell
