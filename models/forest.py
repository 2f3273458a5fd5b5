"""A random forest over the counts of words, as arrays: every tree is complete, so a node's children need no names.

counts [B, V] --depth times: node -> 2 · node + 1 or 2--> a leaf per tree --mean, log--> logits [B, K]
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from models.bow import Bag, BagState


class RandomForest(Bag):
    """Breiman 2001; grown by training/forest.py. A tree of depth d has 2^d - 1 nodes in the order of a heap, then
    2^d leaves. A node sends to the right where the word `feature [trees, 2^d - 1]` is seen more often than its
    `threshold`; `value [trees, 2^d, K]` is what the leaves hold. A fresh forest sends everything to the left.

    Of the mean p of the leaves the logits are log(max(p, 1 / (2 · trees))): no tree's vote makes a class impossible.
    """

    def __init__(
        self,
        *,
        words: int,
        classes: int,
        mode: Literal["binary", "count"] = "binary",
        trees: int = 100,
        depth: int = 10,
    ) -> None:
        super().__init__(words, mode)
        self.depth = depth
        nodes = 2**depth - 1
        self.register_buffer("feature", torch.zeros(trees, nodes, dtype=torch.int32))
        self.threshold = nn.Parameter(torch.full((trees, nodes), torch.inf), requires_grad=False)
        self.value = nn.Parameter(torch.full((trees, nodes + 1, classes), 1 / classes), requires_grad=False)

    def zeros(self, *shape: int) -> Tensor:
        return self.threshold.new_zeros(shape)

    def readout(self, state: BagState) -> Tensor:
        seen = self.features(state)
        trees, nodes = self.threshold.shape
        tree = torch.arange(trees, device=seen.device)
        node = torch.zeros(len(seen), trees, dtype=torch.int64, device=seen.device)
        for _ in range(self.depth):
            often = seen.gather(1, self.get_buffer("feature")[tree, node].long())
            node = 2 * node + 1 + (often > self.threshold[tree, node]).long()
        p = self.value[tree, node - nodes].mean(dim=1)
        return p.clamp(min=1 / (2 * trees)).log()
