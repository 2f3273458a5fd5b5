"""The engine that runs torch's own modules, on any device.

states [B, P] --split--> a classifier's state --encode, update, readout--> Run
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays.tokens import Floats
from models.contract import Classifier, Tokens, like
from models.engine import Engine, Run, together


class TorchEngine(Engine):
    def __init__(self, classifier: Classifier[Any], device: str) -> None:
        self.device = torch.device(device)
        self.classifier = classifier.to(self.device)
        self._first = self.classifier.initial_state(1)
        self._sizes = [part.numel() for part in self._first]
        self.initial = self._flat(self._first)[0].cpu().numpy()

    @torch.inference_mode()
    def run(self, states: Floats, ids: Sequence[Sequence[int]], widths: Sequence[int]) -> Run:
        every = [self._parts(states)]
        for some, steps in together(widths):
            for x in self.classifier.encode(Tokens.of(ids[some], self.device)).split(list(steps)):
                before = every[-1]
                if len(x) < len(before[0]):
                    before = like(before, [rows[: len(x)] for rows in before])
                every.append(self.classifier.update(before, x))
        whole = like(self._first, [torch.cat(parts) for parts in zip(*every, strict=True)])
        features, logits = self.classifier.features(whole), self.classifier.readout(whole)
        return Run(self._flat(whole).cpu().numpy(), features.float().cpu().numpy(), logits.cpu().numpy())

    @torch.inference_mode()
    def room(self, states: Floats) -> NDArray[np.int64] | None:
        room = self.classifier.room(self._parts(states))
        return None if room is None else room.cpu().numpy().astype(np.int64)

    def _parts(self, states: Floats) -> Any:
        flat = torch.from_numpy(states).to(self.device)
        shapes = [part.shape[1:] for part in self._first]
        parts = flat.split(self._sizes, dim=1)
        return like(self._first, [part.reshape(-1, *shape) for part, shape in zip(parts, shapes, strict=True)])

    @staticmethod
    def _flat(state: Sequence[Tensor]) -> Tensor:
        return torch.cat([part.flatten(1) for part in state], dim=1)
