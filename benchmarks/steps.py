"""Row 3: one sentence more of a session, with its state read from Redis and written back; and the micro-batcher.

1 client, 64 clients --wrk, a session each time another--> CPU µs, requests/s, beside the same without a session
what Redis is asked meanwhile --MONITOR--> round trips a request
64 states --Batcher: together, one at a time--> sentences/s
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Final

import redis
from threadpoolctl import threadpool_limits

from benchmarks.contest import NEAR, UNDERTONE, Bench, Client, Sample, figures, loaded
from benchmarks.load import bodies
from benchmarks.rounds import in_turn, measure
from benchmarks.server import Server
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import SENTENCES
from models import shipped
from models.artefact import load
from models.predictor import Advance, Predictor
from service.batcher import Batcher
from service.catalogue import INLINE

CLIENTS: Final = (1, 64)
SESSIONS: Final = 512
"""More than are asked for at once, so that no two requests race for one."""
COUNTED: Final = 50
WANTED: Final = 3.0


def rows(bench: Bench) -> Iterator[Line | Target]:
    with bench.running(UNDERTONE) as (server,):
        yield from _steps(bench, server)
        trips = round_trips(server)
    yield Target("3 a session step", "round trips to Redis", trips, 2, "", least=False)
    yield from _batcher(bench)


def _steps(bench: Bench, server: Server) -> Iterator[Line | Target]:
    row = "3 a session step: one sentence, /v1/predict, Redis included"
    run = os.urandom(4).hex()
    texts = [SENTENCES[i % len(SENTENCES)] for i in range(SESSIONS)]
    stepping = bodies(
        bench.folder / "steps.jsonl",
        [{"text": text, "task": "spam", "session_id": f"{run}-{i}"} for i, text in enumerate(texts)],
    )
    alone = bodies(bench.folder / "alone.jsonl", [{"text": text, "task": "spam"} for text in texts])
    works = {
        f"{name}, {clients} client{'s' if clients > 1 else ''}": partial(
            loaded, server, "/v1/predict", file, bench.seconds, clients
        )
        for clients in CLIENTS
        for name, file in (("in a session", stepping), ("without one", alone))
    }
    samples = in_turn(works, bench.rounds)
    for name, of_it in samples.items():
        busy = Spread.of(100 * sample.cpu / sample.load.seconds for sample in of_it)
        yield Line(row, name, {**figures(of_it), "% of the core": busy})
    one, many = (samples[name] for name in works if name.startswith("in a session"))
    wanted = [WANTED * sample.load.rate for sample in one]
    most = {"requests/s": Spread.of(wanted), "CPU µs": Spread.of(1e6 / rate for rate in wanted)}
    yield Line(row, f"{WANTED:g} x one client would be", most, ours=False)
    yield Target(
        "3 a session step", "64 clients beside one, requests/s", median(_ratios(many, one)), WANTED, " x", least=True
    )


def _ratios(some: Sequence[Sample], others: Sequence[Sample]) -> list[float]:
    return [a.load.rate / b.load.rate for a, b in zip(some, others, strict=True)]


def round_trips(server: Server) -> float:
    """What is asked of Redis for a session's step, as Redis itself tells it."""
    url = server.worker.environ()["REDIS_URL"]
    client, session = Client(server), os.urandom(8).hex()
    with redis.Redis.from_url(url) as watching, watching.monitor() as monitor:
        for step in range(COUNTED):
            client.post("/v1/predict", {"text": SENTENCES[0], "task": "spam", "session_id": session, "step": step})
        with redis.Redis.from_url(url) as last:
            last.echo("the end")
        asked = 0
        for command in monitor.listen():
            if command["command"].startswith("ECHO"):
                return asked / COUNTED
            # What a script does is told, too, but is no round trip.
            asked += command["client_type"] != "lua" and session in command["command"]
    raise RuntimeError("Redis ended while it was watched")


def _batcher(bench: Bench) -> Iterator[Line | Target]:
    row = "3 the micro-batcher: 64 sessions, a sentence each, without HTTP and Redis"
    predictor = Predictor(load(shipped.folder("spam-gru")))
    items = [(_after(predictor, i), SENTENCES[i % len(SENTENCES)]) for i in range(max(CLIENTS))]
    with threadpool_limits(1), ThreadPoolExecutor(1) as thread, asyncio.Runner() as runner:  # as in a worker
        batcher = Batcher(predictor.advance, thread, len(items), INLINE)

        def alone() -> list[float]:
            return runner.run(_one_by_one(batcher, items))

        def together() -> list[float]:
            return runner.run(_together(batcher, items))

        if (off := max(abs(a - b) for a, b in zip(alone(), together(), strict=True))) > NEAR:
            yield Line(row, "together", {}, f"differs by {off:.1e} from one at a time")
            return
        times = measure({"one at a time": alone, "together": together}, bench.rounds, len(items), repeat=10)
    for name, took in times.items():
        each = Spread(1e6 * took.each, *(1e6 * seconds for seconds in took.spread))
        yield Line(row, name, {"CPU µs a sentence": each})
    yield Target(
        "3 the micro-batcher", "together beside one at a time", times["together"].ratio, WANTED, " x", least=True
    )


def _after(predictor: Predictor, sentences: int) -> bytes:
    """A state that has read something; each number of sentences gives another."""
    (advance,) = predictor.advance([(None, SENTENCES[: 1 + sentences % len(SENTENCES)])])
    assert isinstance(advance, Advance)  # noqa: S101 - the state and the sentences are good
    return advance.state


async def _one(batcher: Batcher, state: bytes, text: str) -> float:
    """The probability of a sentence after its state."""
    advance = await batcher.advance(state, [text])
    return advance.steps[-1].probabilities[-1]


async def _one_by_one(batcher: Batcher, items: Sequence[tuple[bytes, str]]) -> list[float]:
    return [await _one(batcher, *item) for item in items]


async def _together(batcher: Batcher, items: Sequence[tuple[bytes, str]]) -> list[float]:
    return await asyncio.gather(*(_one(batcher, *item) for item in items))
