"""The one door to a model: sentences and a state in, probabilities after each of them and a state out.

    (state bytes | None, sentences) --ids--> Tokens --encode--> x [N, D] --update, one step each--> states
        --readout--> logits [N, K] --calibration--> Step per sentence

Training evaluates through it and the service serves through it, so what is evaluated is what is served.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.artefact import Artefact
from models.calibration import log_odds, softmax
from models.contract import Tokens, like
from models.errors import InvalidState, TooManyTokens, UndertoneError
from models.vocabulary import UNKNOWN

_COUNT: Final = np.dtype("<u4")
_FLOAT: Final = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Step:
    """What is known after a sentence.

    `probabilities` one per label; `log_odds` of the last label, calibrated; `delta`, log_odds less
    what it was before the sentence; `words` of the sentence, and how many of them are `unknown`;
    `features`, what the readout sees, as float32 bytes.
    """

    probabilities: tuple[float, ...]
    log_odds: float
    delta: float
    words: int
    unknown: int
    features: bytes


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
    sentences: list[Sequence[str]]
    states: list[Tensor]  # each [B, …]
    read: np.ndarray  # sentences read before, [B] int64


class Predictor:
    """Scores sentences with one artefact on one device. Thread-safe: it keeps nothing between calls."""

    def __init__(self, artefact: Artefact, device: torch.device | str = "cpu") -> None:
        self.artefact = artefact
        self.device = torch.device(device)
        self.classifier = artefact.classifier.to(self.device)
        first = self.classifier.initial_state(1)
        self._shapes = [tuple(part.shape[1:]) for part in first]
        self._sizes = [part.numel() for part in first]
        self.state_bytes = _COUNT.itemsize + _FLOAT.itemsize * sum(self._sizes)
        """Bytes of a state: how many sentences it has read (uint32), then its float32 numbers."""

    @torch.inference_mode()
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
        ids = [self.artefact.vocabulary.ids(s) for sentences in plan.sentences for s in sentences]
        if refused := self._without_room(plan, ids):
            rest = [i for i in good if i not in refused]
            return [*refused.items(), *(self._advance(items, rest) if rest else [])]
        tokens = Tokens.of(ids, self.device)
        tokenized = time.perf_counter()
        states, firsts = self._run(plan, self.classifier.encode(tokens))
        ran = time.perf_counter()
        rows = self._read(plan, states, firsts)
        last = firsts[[len(sentences) for sentences in plan.sentences]] + np.arange(len(plan.order))
        final = [part[torch.from_numpy(last)].cpu().numpy().astype(_FLOAT) for part in states]
        seconds = {"tokenize": tokenized - began, "step": ran - tokenized, "readout": time.perf_counter() - ran}
        answers: list[tuple[int, Advance]] = []
        words = iter(ids)
        for b, i in enumerate(plan.order):
            prior, *steps = _steps(next(rows), words)
            count = np.asarray(plan.read[b] + len(steps), dtype=_COUNT)
            state = count.tobytes() + b"".join(part[b].tobytes() for part in final)
            answers.append((i, Advance(state, prior, steps, seconds)))
        return answers

    def _plan(self, items: Sequence[tuple[bytes | None, Sequence[str]]], good: list[int]) -> _Plan:
        order = sorted(good, key=lambda i: -len(items[i][1]))
        initial = self.classifier.initial_state(len(order))
        flat = torch.cat([part.flatten(1) for part in initial], dim=1)
        read = np.zeros(len(order), dtype=np.int64)
        for b, i in enumerate(order):
            state = items[i][0]
            if state is not None:
                read[b] = np.frombuffer(state, _COUNT, 1)[0]
                flat[b] = torch.from_numpy(np.frombuffer(state, _FLOAT, offset=_COUNT.itemsize).copy())
        parts = flat.split(self._sizes, dim=1)
        states = [part.reshape(-1, *shape) for part, shape in zip(parts, self._shapes, strict=True)]
        return _Plan(order, [items[i][1] for i in order], states, read)

    def _without_room(self, plan: _Plan, ids: list[list[int]]) -> dict[int, UndertoneError]:
        """The items with more words than the classifier has room for after their states."""
        room = self.classifier.room(like(self.classifier.initial_state(1), plan.states))
        if room is None:
            return {}
        words = iter(ids)
        counts = [sum(len(next(words)) for _ in sentences) for sentences in plan.sentences]
        return {
            i: TooManyTokens.of(count, int(left), self.artefact.name)
            for i, count, left in zip(plan.order, counts, room.tolist(), strict=True)
            if count > left
        }

    def _run(self, plan: _Plan, x: Tensor) -> tuple[Any, np.ndarray]:
        """Steps through the sentences: all states on the way, `[R, …]`, and the row where those after
        t = 0 … S sentences begin, `[S + 1]`; item b's is b rows further on."""
        lengths = np.array([len(sentences) for sentences in plan.sentences])
        starts = np.cumsum(lengths) - lengths
        # Sorted by step, what runs together lies together, and no step has to gather its rows.
        order = [starts[lengths > t] + t for t in range(lengths[0])]
        x = x[torch.from_numpy(np.concatenate([*order, starts[:0]])).to(self.device)]
        widths = [len(rows) for rows in order]
        states = [like(self.classifier.initial_state(1), plan.states)]
        for part in x.split(widths):
            before = states[-1]
            if len(part) < len(before[0]):
                before = like(before, [rows[: len(part)] for rows in before])
            states.append(self.classifier.update(before, part))
        firsts = np.cumsum([0, len(lengths), *widths])[:-1]
        return like(states[0], [torch.cat(parts) for parts in zip(*states, strict=True)]), firsts

    def _read(self, plan: _Plan, states: Any, firsts: np.ndarray) -> Any:
        """Per item, what the readout says of its states: (features, probabilities, log-odds) rows."""
        features = self.classifier.features(states).float().cpu().numpy()
        logits = self.classifier.readout(states).double().cpu().numpy()
        widths = np.diff(firsts, append=len(logits))
        read = np.concatenate([plan.read[:width] + t for t, width in enumerate(widths)])
        calibrated = self.artefact.calibration.apply(logits, read)
        probabilities, odds = softmax(calibrated), log_odds(calibrated)
        for b, sentences in enumerate(plan.sentences):
            rows = firsts[: len(sentences) + 1] + b
            yield features[rows], probabilities[rows].tolist(), odds[rows].tolist()


def _steps(rows: tuple[np.ndarray, list[list[float]], list[float]], ids: Any) -> list[Step]:
    """The prior's Step and one per sentence, taking each sentence's ids from `ids`."""
    steps: list[Step] = []
    features, probabilities, odds = rows
    for t, (p, o) in enumerate(zip(probabilities, odds, strict=True)):
        words = next(ids) if t else []
        delta = o - odds[t - 1] if t else 0.0
        steps.append(Step(tuple(p), o, delta, len(words), words.count(UNKNOWN), features[t].tobytes()))
    return steps


_NOTHING: Final = UndertoneError("not scored")
