"""A gated recurrent unit over sentence vectors.

words and word pairs --PooledEncoder--> x [N, E] --cell--> h [B, H] --linear--> logits [B, K]
                     --wide table, added up over everything read--> total [B, K] --+--^
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Classifier, Tokens
from models.encoders import PooledEncoder


class GRUState(NamedTuple):
    """`h [B, H]`, zero before the first sentence."""

    h: Tensor


class WideState(NamedTuple):
    """`h [B, H]`, and `total [B, K]`: the weights of every word and pair read, added up."""

    h: Tensor
    total: Tensor


class GRUCell(nn.Module):
    """One step (Cho et al. 2014, in the form of torch's own nn.GRUCell, whose weights it takes).

    r = σ(W_ir x + b_ir + W_hr h + b_hr)            z = σ(W_iz x + b_iz + W_hz h + b_hz)
    n = tanh(W_in x + b_in + r · (W_hn h + b_hn))   h' = (1 - z) · n + z · h
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.weight_ih = nn.Parameter(torch.empty(3 * hidden, inputs))
        self.weight_hh = nn.Parameter(torch.empty(3 * hidden, hidden))
        self.bias_ih = nn.Parameter(torch.zeros(3 * hidden))
        self.bias_hh = nn.Parameter(torch.zeros(3 * hidden))
        for gate in range(3):
            rows = slice(gate * hidden, (gate + 1) * hidden)
            nn.init.xavier_uniform_(self.weight_ih.data[rows])
            nn.init.orthogonal_(self.weight_hh.data[rows])

    def forward(self, x: Tensor, h: Tensor, recurrent: Tensor | None = None) -> Tensor:
        """`x [B, D]`, `h [B, H]` -> `[B, H]`; `recurrent [B, H]` is the mask of variational dropout."""
        seen = h if recurrent is None else h * recurrent
        inputs = F.linear(x, self.weight_ih, self.bias_ih)
        recurrents = F.linear(seen, self.weight_hh, self.bias_hh)
        gates = 2 * self.hidden
        r, z = torch.sigmoid(inputs[:, :gates] + recurrents[:, :gates]).chunk(2, dim=1)
        n = torch.tanh(inputs[:, gates:] + r * recurrents[:, gates:])
        return torch.lerp(n, h, z)


class GRU(Classifier[GRUState | WideState]):
    """Pooled sentence vectors, one GRU, a linear readout.

    Dropout is variational (Gal and Ghahramani 2016): one mask per sequence, `dropout` on what comes
    in and `recurrent_dropout` on what goes round.

    A sentence's vector is the mean of its embeddings times its number of words to the power of `length`:
    0 the mean, 1 the sum. The mean of many words is small, whatever they say, and a lone word counts as
    much as a paragraph; with 1/2 independent words give vectors of one size.

    With `wide` (1, else 0), a linear model of words and pairs stands beside the recurrent one (Cheng et al.
    2016). It is fitted afterwards, so training does not see it: its table is zero until then.
    """

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        pairs: int = 0,
        embedding: int = 64,
        hidden: int = 128,
        length: float = 0.0,
        wide: int = 0,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = PooledEncoder(words, pairs, embedding, word_dropout)
        self.cell = GRUCell(embedding, hidden)
        self.linear = nn.Linear(hidden, classes)
        self.length = length
        self.wide: nn.Embedding | None = None
        if wide:
            self.wide = nn.Embedding(self.encoder.embedding.num_embeddings, classes).requires_grad_(False)
            nn.init.zeros_(self.wide.weight)
        self.keep = (1 - dropout, 1 - recurrent_dropout)

    def initial_state(self, batch: int) -> GRUState | WideState:
        h = self.linear.weight.new_zeros(batch, self.cell.hidden)
        return GRUState(h) if self.wide is None else WideState(h, h.new_zeros(batch, self.linear.out_features))

    def encode(self, tokens: Tokens) -> Tensor:
        """`[N, E]`; with the wide path `[N, E + K]`, the weights of each sentence's words and pairs last."""
        size = tokens.lengths.float().pow(self.length)[:, None]
        if self.wide is None:
            return self.encoder(tokens) * size
        if self.training:
            return F.pad(self.encoder(tokens) * size, (0, self.linear.out_features))
        ids, starts = self.encoder.grams(tokens)
        weights = F.embedding_bag(ids, self.wide.weight, starts, mode="sum")
        return torch.cat([self.encoder.pool(ids, starts) * size, weights], dim=1)

    def sample_noise(self, batch: int) -> Tensor:
        """`[B, E + H]`: each number is dropped, or scaled up, through the whole sequence."""
        weight = self.linear.weight
        widths = (self.encoder.embedding.embedding_dim, self.cell.hidden)
        masks = [
            torch.bernoulli(weight.new_full((batch, w), keep)) / keep for w, keep in zip(widths, self.keep, strict=True)
        ]
        return torch.cat(masks, dim=1)

    def update(self, state: GRUState | WideState, x: Tensor, noise: Tensor | None = None) -> GRUState | WideState:
        x, weights = x.tensor_split([self.encoder.embedding.embedding_dim], dim=1)
        if noise is None:
            h = self.cell(x, state.h)
        else:
            inputs, recurrent = noise.split([x.shape[1], self.cell.hidden], dim=1)
            h = self.cell(x * inputs, state.h, recurrent)
        return WideState(h, state.total + weights) if isinstance(state, WideState) else GRUState(h)

    def features(self, state: GRUState | WideState) -> Tensor:
        return state.h

    def readout(self, state: GRUState | WideState) -> Tensor:
        logits = self.linear(state.h)
        return logits + state.total if isinstance(state, WideState) else logits
