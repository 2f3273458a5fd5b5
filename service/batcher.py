"""Micro-batching: whatever waits when the engine is free goes through it together.

    advance(state, sentences) --a turn--> queue --all that wait--> engine, its thread --> Advance

There is no timer: an idle engine starts at once, a busy one gathers. A long text comes in turns of at most 64 sentences
(Serving.turns), so it does not stall a short one. A few sentences are scored without going to the thread, where that
would take longer than they do.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Final

from models.errors import UndertoneError
from service import phases
from service.errors import Overloaded

if TYPE_CHECKING:
    from models.predictor import Advance

    Engine = Callable[[Sequence[tuple[bytes | None, Sequence[str]]]], list[Advance | UndertoneError]]

LARGEST: Final = 1024
"""Sentences of one batch, so that a full queue is not one long batch."""
LARGEST_POINTS: Final = 65_536
"""Code points of one batch, for the same reason: a sentence may have a thousand."""
SHORT_POINTS: Final = 4096
"""Code points that are scored right here, however few sentences they are: some take a hundred times as long as others,
and nobody else is served meanwhile."""


@dataclass(eq=False)
class _Turn:
    state: bytes | None
    sentences: Sequence[str]
    answer: asyncio.Future[Advance]
    points: int
    queued: float = field(default_factory=perf_counter)
    began: float = 0.0


class Batcher:
    """Hands waiting turns to `engine`, which runs in `executor`, or right here if there are at most `inline`
    sentences, none of them long; at most `limit` turns may wait."""

    def __init__(self, engine: Engine, executor: Executor, limit: int, inline: int = 0) -> None:
        self._engine = engine
        self._executor = executor
        self._limit = limit
        self._inline = inline
        self._waiting: deque[_Turn] = deque()
        self._running: asyncio.Task[None] | None = None
        self.told: Callable[[int, float], None] = lambda sentences, seconds: None
        """Hears of every batch: its sentences, and the seconds that the model took for it."""

    @property
    def waiting(self) -> int:
        """Sentences that wait."""
        return sum(len(turn.sentences) for turn in self._waiting)

    async def advance(self, state: bytes | None, sentences: Sequence[str]) -> Advance:
        """The sentences in one turn, all in one batch; raises Overloaded where no more may wait."""
        self.admit()
        turn = _Turn(state, sentences, asyncio.get_running_loop().create_future(), sum(map(len, sentences)))
        self._waiting.append(turn)
        if self._running is None:
            self._running = asyncio.create_task(self._drain())
        advance = await turn.answer
        phases.spent("queue", turn.queued, turn.began)
        tokenized = turn.began + advance.seconds["tokenize"]
        phases.spent("tokenize", turn.began, tokenized)
        phases.spent("model", tokenized, tokenized + _in_the_model(advance))
        return advance

    def admit(self) -> None:
        """Raises Overloaded where no more may wait."""
        if len(self._waiting) >= self._limit:
            raise Overloaded(
                f"{len(self._waiting):,} pieces of text wait for the model already, the limit is {self._limit:,} "
                "(UNDERTONE_QUEUE): this one was not scored, try again in a second",
                limit=self._limit,
                value=len(self._waiting),
            )

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while batch := self._take():
                items = [(turn.state, turn.sentences) for turn in batch]
                size = sum(len(sentences) for _, sentences in items)
                began = perf_counter()
                for turn in batch:
                    turn.began = began
                try:
                    if size <= self._inline and sum(turn.points for turn in batch) <= SHORT_POINTS:
                        results = self._engine(items)
                        await asyncio.sleep(0)  # others get their turn, and what they bring makes the next batch
                    else:
                        results = await loop.run_in_executor(self._executor, self._engine, items)
                    for turn, result in zip(batch, results, strict=True):
                        _settle(turn.answer, result)
                    if good := next((result for result in results if not isinstance(result, Exception)), None):
                        self.told(size, _in_the_model(good))
                except Exception as error:
                    for turn in batch:
                        _settle(turn.answer, error)
        finally:
            self._running = None

    def _take(self) -> list[_Turn]:
        """What waits, oldest first, less what nobody waits for any more."""
        batch: list[_Turn] = []
        size = points = 0
        while self._waiting and size < LARGEST and points < LARGEST_POINTS:
            turn = self._waiting.popleft()
            if not turn.answer.done():
                batch.append(turn)
                size += len(turn.sentences)
                points += turn.points
        return batch

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _in_the_model(advance: Advance) -> float:
    return advance.seconds["step"] + advance.seconds["readout"]


def _settle(answer: asyncio.Future[Advance], result: Advance | Exception) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
