"""Every embedding at its place in the text: an embedding, flattened, through a dense layer, one sentence at a time.

word ids [N, T + 1] --W[position] · embedding, added up--> sum [B, P], tokens read --ReLU, linear--> logits [B, K]
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.errors import TooManyTokens


class FlattenedState(NamedTuple):
    """`total [B, P]`, the sum so far; `read [B, 1]`, how many tokens are in it."""

    total: Tensor
    read: Tensor


class FlattenedEmbedding(Classifier[FlattenedState]):
    """The dense layer over all of a text's embeddings end to end has a block of weights per position; its product is
    a sum over positions, so it streams: position = tokens already read.

    A text of more than `max_tokens` is an error, never a cut: there are no weights for what comes after.
    """

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        max_tokens: int = 1000,
        embedding: int = 16,
        dense: int = 20,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.max_tokens = max_tokens
        self.embedding = nn.Embedding(1 + words, embedding)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        # As nn.Linear(max_tokens · embedding, dense) begins.
        bound = 1 / math.sqrt(max_tokens * embedding)
        self.weight = nn.Parameter(torch.empty(max_tokens, embedding, dense).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(dense).uniform_(-bound, bound))
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(dense, classes)

    def initial_state(self, batch: int) -> FlattenedState:
        return FlattenedState(self.bias.new_zeros(batch, len(self.bias)), self.bias.new_zeros(batch, 1))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, T + 1]`: the ids of each sentence, as long as the batch's longest, and their number last."""
        lengths = tokens.lengths
        longest = int(lengths.max()) if len(lengths) else 0
        ids = self.bias.new_zeros(len(lengths), longest)
        inside = torch.arange(longest, device=lengths.device) < lengths[:, None]
        ids[inside] = tokens.ids.to(ids.dtype)
        return torch.cat([ids, lengths[:, None].to(ids.dtype)], dim=1)

    def update(self, state: FlattenedState, x: Tensor, noise: Tensor | None = None) -> FlattenedState:
        """Raises TooManyTokens where a sequence has read more than `max_tokens` after this sentence."""
        ids, count = x[:, :-1], x[:, -1:]
        room = self.room(state)
        if (over := count[:, 0] > room).any():
            raise TooManyTokens.of(int(count[over][0]), int(room[over][0]), "this model")
        inside = torch.arange(ids.shape[1], device=x.device) < count
        rows, columns = inside.nonzero(as_tuple=True)
        position = state.read[rows, 0].long() + columns
        embedded = self.embedding(ids[rows, columns].long())
        products = torch.einsum("te,tep->tp", embedded, self.weight[position])
        return FlattenedState(state.total.index_add(0, rows, products.to(x.dtype)), state.read + count)

    def room(self, state: FlattenedState) -> Tensor:
        return self.max_tokens - state.read[:, 0]

    def features(self, state: FlattenedState) -> Tensor:
        """The dense layer after its ReLU, `[B, P]`."""
        return F.relu(state.total + self.bias)

    def readout(self, state: FlattenedState) -> Tensor:
        return self.linear(self.dropout(self.features(state)))
