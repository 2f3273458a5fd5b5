"""Sentence encoders: what turns the tokens of a sentence into one vector, without memory.

Tokens --PooledEncoder--> [N, E]            mean of the embeddings of words and hashed word pairs
Tokens --BowEncoder--> [N, E]               their sum: the count vector times W_x
Tokens --MeanInceptionEncoder--> [N, 3E]    mean of the ReLU features of kernels 3, 5, 7
"""

from __future__ import annotations

from typing import ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.contract import Tokens
from models.convolutions import KERNELS, InceptionEncoder

_PRIME: Final = 1_000_003


def hashed_pairs(tokens: Tokens, buckets: int) -> tuple[Tensor, Tensor]:
    """Neighbouring words of the same sentence, hashed: bucket numbers, and their sentences, both `[P]`."""
    sentence = tokens.sentence
    together = sentence[1:] == sentence[:-1]
    pairs = (tokens.ids[:-1] * _PRIME + tokens.ids[1:] * 31) % buckets
    return pairs[together], sentence[1:][together]


def grams(tokens: Tokens, words: int, pairs: int) -> tuple[Tensor, Tensor]:
    """The rows that a table of `1 + words + pairs` has for the words and pairs of each sentence, `[T + P]`, and
    where in them the sentence starts, `[N]`."""
    ids, sentence = tokens.ids, tokens.sentence
    if pairs:
        buckets, places = hashed_pairs(tokens, pairs)
        ids = torch.cat([ids, buckets + 1 + words])
        sentence, order = torch.cat([sentence, places]).sort(stable=True)
        ids = ids[order]
    counts = torch.bincount(sentence, minlength=len(tokens.lengths))
    return ids, counts.cumsum(0) - counts


class PooledEncoder(nn.Module):
    """The mean of the embeddings of a sentence's words and hashed word pairs: `[N, E]`.

    In training, words are replaced by the unknown one at the rate `word_dropout`, so that the model
    learns what a word that it has never seen means.
    """

    mode: ClassVar[str] = "mean"

    def __init__(self, words: int, pairs: int, width: int, word_dropout: float = 0.0) -> None:
        super().__init__()
        self.words = words
        self.pairs = pairs
        self.width = width
        self.word_dropout = word_dropout
        self.embedding = nn.Embedding(1 + words + pairs, width)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)

    def forward(self, tokens: Tokens) -> Tensor:
        if self.training and self.word_dropout:
            dropped = torch.rand(tokens.ids.shape, device=tokens.ids.device) < self.word_dropout
            tokens = Tokens(torch.where(dropped, 0, tokens.ids), tokens.lengths)
        ids, starts = grams(tokens, self.words, self.pairs)
        return F.embedding_bag(ids, self.embedding.weight, starts, mode=self.mode)


class BowEncoder(PooledEncoder):
    """The count vector of a sentence's words and hashed pairs times W_x, which is the sum of their rows: `[N, E]`."""

    mode = "sum"


class MeanInceptionEncoder(InceptionEncoder):
    """The mean of an InceptionEncoder's features over the positions: `[N, 3E]`, zero for a sentence without words."""

    def __init__(self, words: int, width: int, dropout: float = 0.0) -> None:
        super().__init__(words, width, width, dropout)
        self.width = len(KERNELS) * width

    def forward(self, tokens: Tokens) -> Tensor:
        return mean(super().forward(tokens))


def mean(total: Tensor) -> Tensor:
    """Sums with the number of what was summed last, `[N, D + 1]`: the mean `[N, D]`, zero where there is nothing."""
    return total[:, :-1] / total[:, -1:].clamp(min=1)


def sentence_encoder(
    name: str, words: int, pairs: int, width: int, word_dropout: float
) -> PooledEncoder | MeanInceptionEncoder:
    """The encoder of that name for a recurrence to read; its vectors have `encoder.width` numbers."""
    if name != "inception":
        return {"pooled": PooledEncoder, "bow": BowEncoder}[name](words, pairs, width, word_dropout)
    if pairs:
        raise ValueError(f"pairs = {pairs}, but an inception encoder reads words in their order: set pairs = 0")
    return MeanInceptionEncoder(words, width, word_dropout)
