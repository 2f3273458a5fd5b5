"""What waits goes together, long texts take turns, and no fault reaches anybody but its own caller."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from models.errors import InvalidState, UndertoneError
from models.predictor import Advance, Step
from service.batcher import LARGEST, LARGEST_POINTS, SHORT_POINTS, Batcher
from service.errors import Overloaded
from tests.service.live import gathered
from tests.waiting import PATIENCE

Items = Sequence[tuple[bytes | None, Sequence[str]]]
STEP = Step((0.5, 0.5), 0.0, 0.0, 1, 0, b"")
SECONDS = {"tokenize": 0.0, "step": 0.0, "readout": 0.0}


class Engine:
    """Appends each sentence to the state; may be held, and fails where a sentence says so."""

    def __init__(self) -> None:
        self.calls: list[list[tuple[bytes | None, list[str]]]] = []
        self.threads: list[threading.Thread] = []
        self.running = threading.Event()
        self.free = threading.Event()
        self.free.set()

    def __call__(self, items: Items) -> list[Advance | UndertoneError]:
        self.calls.append([(state, list(sentences)) for state, sentences in items])
        self.threads.append(threading.current_thread())
        self.running.set()
        assert self.free.wait(PATIENCE)
        if any("explode" in sentences for _, sentences in items):
            raise RuntimeError("boom")
        return [self.one(state, sentences) for state, sentences in items if "vanish" not in sentences]

    @staticmethod
    def one(state: bytes | None, sentences: Sequence[str]) -> Advance | UndertoneError:
        if "bad" in sentences:
            return InvalidState("a bad state")
        return Advance((state or b"") + "".join(sentences).encode(), STEP, [STEP] * len(sentences), SECONDS)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The next call does not return before the end."""
        self.free.clear()
        self.running.clear()
        try:
            yield
        finally:
            self.free.set()


def run(use: Callable[[Batcher, Engine], Awaitable[None]], limit: int = 1000, inline: int = 0) -> None:
    async def main() -> None:
        with ThreadPoolExecutor(1) as executor:
            engine = Engine()
            async with asyncio.timeout(PATIENCE):
                await use(Batcher(engine, executor, limit, inline), engine)
                # The batcher's own task ends once nobody waits.
                await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))

    asyncio.run(main())


async def last(batcher: Batcher, sentences: Sequence[str], state: bytes | None = None) -> bytes:
    """The state after them."""
    return (await batcher.advance(state, sentences)).state


async def busy(engine: Engine, batcher: Batcher) -> asyncio.Task[bytes]:
    """A task that the engine is at work on."""
    task = asyncio.create_task(last(batcher, ["first"]))
    await asyncio.to_thread(engine.running.wait, PATIENCE)
    return task


async def queued(*work: Awaitable[bytes]) -> list[asyncio.Task[bytes]]:
    """Tasks that have come as far as they can without the engine."""
    tasks = [asyncio.ensure_future(one) for one in work]
    await asyncio.sleep(0)
    return [task for task in tasks if isinstance(task, asyncio.Task)]


def test_an_idle_engine_starts_at_once_and_what_waits_meanwhile_goes_together() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, [f"{i}"], b"s") for i in range(50)))
        assert await first == b"first"
        assert await asyncio.gather(*rest) == [b"s%d" % i for i in range(50)]
        assert engine.calls == [[(None, ["first"])], [(b"s", [f"{i}"]) for i in range(50)]]

    run(use)


def test_a_few_sentences_are_scored_without_a_thread_and_what_comes_meanwhile_goes_together() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        assert await asyncio.gather(*(last(batcher, [f"{i}"]) for i in range(5))) == [b"%d" % i for i in range(5)]
        assert [len(call) for call in engine.calls] == [5]
        assert await last(batcher, ["a"] * 6) == b"a" * 6
        assert await last(batcher, ["b"] * 5) == b"b" * 5
        here = threading.main_thread()
        assert [thread is here for thread in engine.threads] == [True, False, True]

    run(use, inline=5)


def test_few_sentences_that_are_long_go_to_the_thread() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        for length in (SHORT_POINTS, SHORT_POINTS + 1):
            await last(batcher, ["a" * length])
        here = threading.main_thread()
        assert [thread is here for thread in engine.threads] == [True, False]

    run(use, inline=5)


def test_a_fault_reaches_its_caller_without_a_thread_too() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with pytest.raises(RuntimeError, match="boom"):
            await last(batcher, ["explode"])
        assert await last(batcher, ["next"]) == b"next"

    run(use, inline=5)


def test_no_sentences_are_one_turn() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        assert (await batcher.advance(b"s", [])).steps == []
        assert engine.calls == [[(b"s", [])]]

    run(use)


def test_long_sentences_are_not_one_long_batch_either() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, ["a" * 20_000]) for _ in range(9)))
        await asyncio.gather(first, *rest)
        points = [sum(len(s) for _, sentences in call for s in sentences) for call in engine.calls[1:]]
        assert points == [80_000, 80_000, 20_000]
        assert points[0] - 20_000 < LARGEST_POINTS <= points[0]

    run(use)


def test_a_full_queue_is_not_one_long_batch() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, ["."] * 64) for _ in range(40)))
        await asyncio.gather(first, *rest)
        sizes = [sum(len(sentences) for _, sentences in call) for call in engine.calls]
        assert sizes == [1, LARGEST, LARGEST, 40 * 64 - 2 * LARGEST]

    run(use)


def test_a_full_queue_refuses_and_nobody_else_notices() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, [f"{i}"]) for i in range(5)))
            with pytest.raises(Overloaded, match="UNDERTONE_QUEUE") as refused:
                await last(batcher, ["late"])
            with pytest.raises(Overloaded):
                batcher.admit()
            assert (refused.value.limit, refused.value.value) == (5, 5)
        assert await asyncio.gather(first, *rest) == [b"first", *(b"%d" % i for i in range(5))]
        batcher.admit()
        assert await last(batcher, ["late"]) == b"late"

    run(use, limit=5)


def test_a_bad_item_fails_only_its_own_caller() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, [text]) for text in ("a", "bad", "b")))
        a, bad, b = await gathered(*rest)
        assert [a, b] == [b"a", b"b"]
        assert isinstance(bad, InvalidState)
        await first

    run(use)


@pytest.mark.parametrize("fault", ["explode", "vanish"])
def test_a_fault_of_the_engine_reaches_all_of_its_batch_and_the_next_one_works(fault: str) -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            rest = await queued(*(last(batcher, [text]) for text in (fault, "a", "b")))
        results = await gathered(*rest)
        faults = [result for result in results if isinstance(result, RuntimeError | ValueError)]
        assert len(faults) == 3 if fault == "explode" else len(faults) >= 1
        assert all(isinstance(result, bytes) or result in faults for result in results)
        assert await first == b"first"
        assert await last(batcher, ["again"]) == b"again"

    run(use)


def test_nobody_scores_for_a_caller_that_has_gone() -> None:
    async def use(batcher: Batcher, engine: Engine) -> None:
        with engine.held():
            first = await busy(engine, batcher)
            a, gone, b = await queued(*(last(batcher, [text]) for text in ("a", "gone", "b")))
            gone.cancel()
            first.cancel()
            await gathered(gone, first)
        assert [await a, await b] == [b"a", b"b"]
        assert engine.calls == [[(None, ["first"])], [(None, ["a"]), (None, ["b"])]]

    run(use)
