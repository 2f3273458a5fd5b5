"""Sentence encoders that read words in their order: convolutions over one ribbon of all sentences.

Tokens --InceptionEncoder--> [N, 3F + 1]    summed ReLU features of kernels 3, 5, 7, and their number
Tokens --StackedEncoder--> [N, 3F + 1]      the same of one, two and three kernels of 3 on top of one another
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.connections import CONNECTIONS
from models.contract import Tokens

KERNELS: Final = (3, 5, 7)


def sums(values: Tensor, sentence: Tensor, sentences: int) -> Tensor:
    """The sum of `values [T, D]` over each of N sentences: `[N, D]`."""
    out = values.new_zeros(sentences, values.shape[1])
    return out.index_add(0, sentence, values)


class InceptionEncoder(nn.Module):
    """Parallel convolutions of 3, 5 and 7 words, ReLU, summed over the positions, and their number.

    `[N, 3F + 1]`, the number last (Szegedy et al. 2015 put kernels side by side; Kim 2014 did for
    text). All sentences lie on one ribbon with three empty places between them, so no sentence is
    padded to another's length.
    """

    def __init__(self, words: int, width: int, filters: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1 + words, width)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.filters = filters
        self.dropout = nn.Dropout1d(dropout)
        self.convolutions = nn.ModuleList(self.branch(width, k) for k in KERNELS)

    def branch(self, width: int, kernel: int) -> nn.Module:
        """The weights of the branch that sees `kernel` words."""
        return nn.Conv1d(width, self.filters, kernel, padding=kernel // 2)

    def convolve(self, branch: nn.Module, ribbon: Tensor, inside: Tensor) -> Tensor:
        """A branch's features `[1, F, L]` over a ribbon `[1, E, L]`; `inside [L]` is 1 where it holds a word."""
        return F.relu(branch(ribbon))

    def forward(self, tokens: Tokens) -> Tensor:
        sentence, lengths = tokens.sentence, tokens.lengths
        gap = max(KERNELS) // 2
        places = torch.arange(len(tokens.ids), device=tokens.ids.device) + gap * sentence
        embedded = self.dropout(self.embedding(tokens.ids))
        if not len(tokens.ids):
            return embedded.new_zeros(len(lengths), len(KERNELS) * self.filters + 1)
        ribbon = embedded.new_zeros(len(tokens.ids) + gap * len(lengths), embedded.shape[1])
        inside = ribbon.new_zeros(len(ribbon)).index_fill(0, places, 1)
        ribbon = ribbon.index_copy(0, places, embedded).T.unsqueeze(0)
        features = torch.cat([self.convolve(branch, ribbon, inside)[0] for branch in self.convolutions]).T
        return torch.cat([sums(features[places], sentence, len(lengths)), lengths[:, None].to(features.dtype)], dim=1)


class StackedEncoder(InceptionEncoder):
    """The same fields of view from kernels of 3 alone (Simonyan and Zisserman 2015): one sees 3 words, two on top of
    one another 5, three 7. With the connection "residual" a layer adds to what lies below it (He et al. 2016), save
    the lowest, which has another width below.

    What the paper argues with holds for images: three kernels of 3 by 3 have 27 C² weights, one of 7 by 7 has 49 C².
    Along a line it is 9 C² against 7 C², so here the stacks have more weights, not fewer, and what they have for them
    is a ReLU after every three words. They have fewer only where the embeddings are wider than the filters by more
    than half: 9 EF + 9 F² against 15 EF over all branches.
    """

    def __init__(self, words: int, width: int, filters: int, dropout: float = 0.0, *, connection: str) -> None:
        super().__init__(words, width, filters, dropout)
        self.connection = CONNECTIONS[connection](filters)

    def branch(self, width: int, kernel: int) -> nn.Module:
        widths = [width, *[self.filters] * (kernel // 2 - 1)]
        return nn.ModuleList(nn.Conv1d(below, self.filters, 3, padding=1) for below in widths)

    def convolve(self, branch: nn.Module, ribbon: Tensor, inside: Tensor) -> Tensor:
        """After every layer the places between sentences are emptied again, so that none sees another's words."""
        lowest, *above = branch.children()
        x = F.relu(lowest(ribbon)) * inside
        for layer in above:
            x = self.connection(x, F.relu(layer(x))) * inside
        return x
