"""What every classifier here is: three functions around a small state.

    encode(tokens) -> x [N, D]        no memory: all sentences of all waiting requests at once
    update(state, x) -> state         the memory: constant size, one step per sentence
    readout(state) -> logits [N, K]   after every sentence

Sizes: N sentences, B sequences, S steps (sentences) of a sequence, T tokens, D numbers of a sentence,
H numbers of what the readout sees, K classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.vocabulary import Vocabulary

State = TypeVar("State", bound=tuple[Tensor, ...])


@dataclass(frozen=True, eq=False)
class Tokens:
    """The token ids of N sentences end to end, `ids [T]` int64, and each one's number, `lengths [N]`."""

    ids: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, sentences: Sequence[Sequence[int]], device: torch.device | str = "cpu") -> Tokens:
        ids = torch.tensor([i for sentence in sentences for i in sentence], dtype=torch.int64, device=device)
        return cls(ids, torch.tensor([len(s) for s in sentences], dtype=torch.int64, device=device))

    @property
    def sentence(self) -> Tensor:
        """The sentence that each token stands in: `[T]` int64, from 0 to N - 1."""
        return torch.repeat_interleave(torch.arange(len(self.lengths), device=self.ids.device), self.lengths)


class Classifier(nn.Module, ABC, Generic[State]):
    """A family of classifiers. A state is a NamedTuple, or a plain tuple, of float32 tensors whose first axis is B.

    State goes in and comes out; no module keeps one.
    """

    @abstractmethod
    def initial_state(self, batch: int) -> State:
        """The state before the first sentence, `[B, …]`; its readout is the prior."""

    @abstractmethod
    def encode(self, tokens: Tokens) -> Tensor:
        """Sentence vectors `[N, D]`; a sentence without tokens is legal."""

    @abstractmethod
    def update(self, state: State, x: Tensor, noise: Tensor | None = None) -> State:
        """The state after one more sentence each, `x [B, D]`; `noise` as `sample_noise` made it."""

    @abstractmethod
    def features(self, state: State) -> Tensor:
        """What the readout sees: `[B, H]`."""

    @abstractmethod
    def readout(self, state: State) -> Tensor:
        """Logits `[B, K]`."""

    def prepare(self, vocabulary: Vocabulary) -> None:
        """Before training: takes from the fitted vocabulary what a loaded one no longer knows."""

    def weights(self) -> dict[str, NDArray[Any]]:
        """A copy of what was learnt, by name, as an artefact holds it."""
        return {name: tensor.detach().cpu().numpy().copy() for name, tensor in self.state_dict().items()}

    def room(self, state: State) -> Tensor | None:
        """How many more tokens each sequence may read, `[B]`; None where there is no limit."""
        return None

    @property
    def most_tokens(self) -> int | None:
        """How many tokens a whole text may have; None where there is no limit."""
        room = self.room(self.initial_state(1))
        return None if room is None else int(room)

    def sample_noise(self, batch: int) -> Tensor | None:
        """What stays the same over all steps of a sequence in training; None where there is no such thing."""
        return None

    def step(self, state: State, tokens: Tokens) -> tuple[State, Tensor]:
        """One sentence for each of B sequences: the state after it, and logits `[B, K]`."""
        state = self.update(state, self.encode(tokens))
        return state, self.readout(state)

    def unroll(self, x: Tensor, state: State | None = None) -> tuple[State, Tensor]:
        """Sentence vectors `x [B, S, D]`: the last state, and logits after every step `[B, S, K]`."""
        batch, steps, _ = x.shape
        state = self.initial_state(batch) if state is None else state
        noise = self.sample_noise(batch) if self.training else None
        states: list[State] = []
        for t in range(steps):
            state = self.update(state, x[:, t], noise)
            states.append(state)
        return state, self.readout(stack(states)).unflatten(0, (batch, steps))


def stack(states: Sequence[State]) -> State:
    """S states of B rows each as one of B·S rows, the steps of a sequence next to one another."""
    return like(states[0], [torch.stack(parts, dim=1).flatten(0, 1) for parts in zip(*states, strict=True)])


def like(state: State, parts: Sequence[Tensor]) -> State:
    """`parts` as a state of the kind that `state` is."""
    return cast(State, tuple(parts)) if type(state) is tuple else type(state)(*parts)
