"""The mean of all embeddings read so far, and two dense layers.

words --table--> sums and their number [N, E + 1] --add--> mean [B, E] --dense, ReLU--> [B, P] --linear--> [B, K]
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Tokens
from models.convolutions import sums
from models.mean import Mean, MeanState


class SummedEncoder(nn.Module):
    """The sum of a sentence's embeddings, and their number last: `[N, E + 1]`."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(1 + words, width)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)

    def forward(self, tokens: Tokens) -> Tensor:
        total = sums(self.embedding(tokens.ids), tokens.sentence, len(tokens.lengths))
        return torch.cat([total, tokens.lengths[:, None].to(total.dtype)], dim=1)


class PooledEmbedding(Mean):
    """Average, dropout, dense, dropout, output.

    With an embedding of 30, 20 dense units and one output it has 30·V + 620 + 21 parameters; V counts the row of
    the unknown word too, and K outputs have 21·K.
    """

    def __init__(self, *, words: int, classes: int, embedding: int = 30, dense: int = 20, dropout: float = 0.0) -> None:
        super().__init__(SummedEncoder(words, embedding), embedding, nn.Linear(dense, classes), dropout)
        self.dense = nn.Linear(embedding, dense)

    def readout(self, state: MeanState) -> Tensor:
        seen = F.relu(self.dense(self.dropout(self.features(state))))
        return self.linear(self.dropout(seen))
