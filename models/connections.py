"""What a layer gives on: its own output, or that and what came in.

x, f = F(x), both [B, H] --Plain--> f    --Residual--> x + f    --Highway--> f · T(x) + x · (1 - T(x))
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn


class Plain(nn.Module):
    """The layer's output alone."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def forward(self, x: Tensor, f: Tensor) -> Tensor:
        return f


class Residual(Plain):
    """x + F(x) (He et al. 2016): with F = 0 the identity."""

    def forward(self, x: Tensor, f: Tensor) -> Tensor:
        return x + f


class Highway(Plain):
    """F(x) · T + x · (1 - T), T = σ(W x + b) (Srivastava et al. 2015): with T = 0 the identity, with T = 1 F.

    b begins at -1, as the paper has it, so that a deep stack begins by letting through.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.transform = nn.Linear(width, width)
        nn.init.constant_(self.transform.bias, -1.0)

    def forward(self, x: Tensor, f: Tensor) -> Tensor:
        return torch.lerp(x, f, torch.sigmoid(self.transform(x).to(x.dtype)))


CONNECTIONS: Final[dict[str, type[Plain]]] = {"plain": Plain, "residual": Residual, "highway": Highway}
