"""The one door to a model: sentences and a state in, probabilities after each of them and a state out.

    (state bytes | None, sentences) --ids--> Tokens --encode--> x [N, D] --update, one step each--> states
        --readout--> logits [N, K] --calibration--> Step per sentence

Training evaluates through it and the service serves through it, so what is evaluated is what is served.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import add, sub
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from models import english
from models.arrays.tokens import Floats
from models.artefact import Artefact
from models.calibration import log_odds, softmax
from models.engine import Run, engine
from models.errors import InvalidState, TooManyTokens, UndertoneError
from models.vocabulary import UNKNOWN

if TYPE_CHECKING:
    import torch

_COUNT: Final = np.dtype("<u4")
_FLOAT: Final = np.dtype("<f4")


class Step(NamedTuple):
    """What is known after a sentence.

    `probabilities` one per label; `log_odds` of the last label, calibrated; `delta`, log_odds less
    what it was before the sentence; `words` of the sentence, and how many of them are `unknown`;
    `features`, what the readout sees, as float32 bytes; how many different words are `common` in English, all
    words where the model knows no English.
    """

    probabilities: tuple[float, ...]
    log_odds: float
    delta: float
    words: int
    unknown: int
    features: bytes
    common: int = 0


@dataclass(frozen=True, slots=True)
class Advance:
    """The state after the sentences; the Step that the state before them stands for; one Step per
    sentence; and the seconds that each phase of the whole batch took."""

    state: bytes
    prior: Step
    steps: list[Step]
    seconds: dict[str, float]


class _Plan(NamedTuple):
    """The good items, longest first, so that those still running are always the first rows."""

    order: list[int]
    lengths: list[int]  # sentences of each
    widths: list[int]  # items that have a sentence at each step
    sentences: list[str]  # step by step
    states: Floats  # [B, P]
    read: list[int]  # sentences read before


class Predictor:
    """Scores sentences with one artefact on one device. Thread-safe: it keeps nothing between calls."""

    def __init__(self, artefact: Artefact, device: torch.device | str = "cpu") -> None:
        self.artefact = artefact
        self.engine = engine(artefact, str(device))
        self.state_bytes = _COUNT.itemsize + _FLOAT.itemsize * len(self.engine.initial)
        """Bytes of a state: how many sentences it has read (uint32), then its float32 numbers."""
        self._common = english.ids(artefact.vocabulary)

    def advance(self, items: Sequence[tuple[bytes | None, Sequence[str]]]) -> list[Advance | UndertoneError]:
        """Scores every item's sentences from its state on (None: from the start), in one batch.

        A bad item gets its error as its answer; the others are not disturbed.
        """
        results: list[Advance | UndertoneError] = []
        good: list[int] = []
        for i, (state, _) in enumerate(items):
            if state is not None and len(state) != self.state_bytes:
                message = (
                    f"the state holds {len(state):,} bytes, {self.artefact.name} has states of {self.state_bytes:,}: "
                    "start again without it"
                )
                results.append(InvalidState(message, value=len(state)))
            else:
                results.append(_NOTHING)
                good.append(i)
        if good:
            for i, answer in self._advance(items, good):
                results[i] = answer
        return results

    def _advance(
        self, items: Sequence[tuple[bytes | None, Sequence[str]]], good: list[int]
    ) -> Sequence[tuple[int, Advance | UndertoneError]]:
        began = time.perf_counter()
        plan = self._plan(items, good)
        ids = self.artefact.vocabulary.batch(plan.sentences)
        if refused := self._without_room(plan, ids):
            rest = [i for i in good if i not in refused]
            return [*refused.items(), *(self._advance(items, rest) if rest else [])]
        tokenized = time.perf_counter()
        run = self.engine.run(plan.states, ids, plan.widths)
        ran = time.perf_counter()
        answers = self._answers(plan, ids, run)
        seconds = {"tokenize": tokenized - began, "step": ran - tokenized, "readout": time.perf_counter() - ran}
        return [(i, Advance(state, steps[0], steps[1:], seconds)) for i, state, steps in answers]

    def _plan(self, items: Sequence[tuple[bytes | None, Sequence[str]]], good: list[int]) -> _Plan:
        order = sorted(good, key=lambda i: -len(items[i][1]))
        texts = [items[i][1] for i in order]
        lengths = list(map(len, texts))
        widths = _widths(lengths)
        sentences = [text[t] for t, width in enumerate(widths) for text in texts[:width]]
        states = np.repeat(self.engine.initial[None], len(order), axis=0)
        read = [0] * len(order)
        for b, i in enumerate(order):
            state = items[i][0]
            if state is not None:
                read[b] = int.from_bytes(state[: _COUNT.itemsize], "little")
                states[b] = np.frombuffer(state, _FLOAT, offset=_COUNT.itemsize)
        return _Plan(order, lengths, widths, sentences, states, read)

    def _without_room(self, plan: _Plan, ids: list[list[int]]) -> dict[int, UndertoneError]:
        """The items with more words than the classifier has room for after their states."""
        room = self.engine.room(plan.states)
        if room is None:
            return {}
        counts = [0] * len(plan.order)
        words = map(len, ids)
        for width in plan.widths:
            counts[:width] = map(add, counts[:width], islice(words, width))
        return {
            i: TooManyTokens.of(count, int(left), self.artefact.name)
            for i, count, left in zip(plan.order, counts, room.tolist(), strict=True)
            if count > left
        }

    def _answers(self, plan: _Plan, ids: list[list[int]], run: Run) -> list[tuple[int, bytes, list[Step]]]:
        """Each item's number, the state after it, and the Steps of the state before it and of its sentences."""
        # Item by item: the row of its first state, then those after each sentence.
        firsts = [0, *accumulate(plan.widths, initial=len(plan.order))]
        rows = [first + b for b, length in enumerate(plan.lengths) for first in firsts[: length + 1]]
        counts = [
            n for read, length in zip(plan.read, plan.lengths, strict=True) for n in range(read, read + length + 1)
        ]
        calibrated = self.artefact.calibration.apply(run.logits[rows].astype(np.float64), np.array(counts))
        odds = log_odds(calibrated).tolist()
        deltas = [0.0, *map(sub, odds[1:], odds)]
        ends = list(accumulate(length + 1 for length in plan.lengths))
        starts = [0, *ends[:-1]]
        for start in starts:
            deltas[start] = 0.0
        sentences: list[list[int]] = [[]] * len(plan.order) + ids
        words = [sentences[row] for row in rows]
        features = run.features[rows].astype(_FLOAT, copy=False).tobytes()
        size = len(features) // len(rows)
        steps = list(
            map(
                Step,
                map(tuple, softmax(calibrated).tolist()),
                odds,
                deltas,
                map(len, words),
                [each.count(UNKNOWN) for each in words],
                (features[at : at + size] for at in range(0, len(features), size)),
                self._counted(words),
            )
        )
        states = run.states[[rows[end - 1] for end in ends]].astype(_FLOAT, copy=False)
        return [
            (i, counts[end - 1].to_bytes(_COUNT.itemsize, "little") + state.tobytes(), steps[start:end])
            for i, start, end, state in zip(plan.order, starts, ends, states, strict=True)
        ]

    def _counted(self, sentences: list[list[int]]) -> list[int]:
        """How many different words of each sentence are common in English."""
        if self._common is None:
            return list(map(len, sentences))
        return [len(self._common.intersection(ids)) for ids in sentences]


def _widths(lengths: list[int]) -> list[int]:
    """How many of `lengths`, which fall, are greater than 0, 1, 2, …"""
    widths: list[int] = []
    width = len(lengths)
    for t in range(lengths[0]):
        while lengths[width - 1] <= t:
            width -= 1
        widths.append(width)
    return widths


_NOTHING: Final = UndertoneError("not scored")
