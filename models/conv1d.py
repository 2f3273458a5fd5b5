"""Parallel convolutions whose ReLU features are averaged over everything read so far.

words --inception or stacks--> sums and their number [N, 3F + 1] --add--> mean [B, 3F] --linear--> logits [B, K]
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from models.convolutions import KERNELS, InceptionEncoder, StackedEncoder
from models.mean import Mean


class Conv1D(Mean):
    """Three branches that see 3, 5 and 7 words, the mean of each, a dense layer with dropout.

    `branches`: inception, one kernel of that width each; stacked, one to three kernels of 3 on top of one another;
    residual, the same with shortcuts.
    """

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        branches: Literal["inception", "stacked", "residual"] = "inception",
        embedding: int = 64,
        filters: int = 50,
        word_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        encoder: nn.Module
        if branches == "inception":
            encoder = InceptionEncoder(words, embedding, filters, word_dropout)
        else:
            encoder = StackedEncoder(words, embedding, filters, word_dropout, connection=_CONNECTION[branches])
        width = len(KERNELS) * filters
        super().__init__(encoder, width, nn.Linear(width, classes), dropout)


_CONNECTION = {"stacked": "plain", "residual": "residual"}
