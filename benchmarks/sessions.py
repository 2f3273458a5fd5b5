"""What a session costs in Redis and at a worker, and what that makes of ten thousand, a million, a hundred million.

    sessions --a sentence at a time, over HTTP--> one worker --> its Redis     --> bytes, microseconds --plan--> a table

`python -m benchmarks.sessions` measures against real processes and prints what docs/scaling.md shows. Bytes are
what Redis holds more of after all sessions were made, divided by their number, so its tables are in it; time is
that of the processor, so other work on the machine makes it longer only by what caches lose to it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import httpx
import redis

from benchmarks.rounds import machine
from benchmarks.server import Server, seconds
from benchmarks.texts import SENTENCES

MODELS: Final = {"spam": "spam-gru", "sentiment": "sentiment-gru"}
AT_ONCE: Final = 16
"""Requests on their way."""
LIVE: Final = (10**4, 10**6, 10**8)
PAUSE: Final = 600
"""Seconds between two sentences of a live session, in the plan."""
BUSY: Final = 0.5
"""How much of a processor is planned with: the rest is for peaks, and for a server that has failed."""
SERVER_GB: Final = 32
"""Memory of one Redis server, in the plan; half is for sessions, since a copy to disk or to a replica needs more."""


@dataclass(frozen=True)
class Measured:
    """Of one task: bytes of a session in Redis, and microseconds of the processor for a request of one sentence."""

    task: str
    memory_usage: float
    """What MEMORY USAGE says of its key."""
    bytes: float
    """What Redis took in all, divided by the sessions."""
    redis_us: float
    worker_us: float
    stateless_us: float
    """At the worker, for the same sentences without a session."""


def plan(measured: Measured, live: int) -> list[str]:
    """A row: memory, requests a second, processors of Redis and of workers, and servers for both."""
    rate = live / PAUSE
    gigabytes = live * measured.bytes / 1e9
    redis_cores = rate * measured.redis_us / 1e6 / BUSY
    worker_cores = rate * measured.worker_us / 1e6 / BUSY
    # A Redis server has one thread for commands: it is full when its memory is, or that thread.
    servers = math.ceil(max(gigabytes / (SERVER_GB / 2), redis_cores))
    numbers = [f"{gigabytes:,.2f}", f"{rate:,.0f}", f"{redis_cores:,.2f}", f"{worker_cores:,.1f}"]
    return [measured.task, f"{live:,}", *numbers, f"{servers:,}", f"{math.ceil(worker_cores):,}"]


HEADS: Final = (
    "task",
    "live sessions",
    "GB in Redis",
    "requests/s",
    "Redis CPUs",
    "worker CPUs",
    "Redis servers",
    "workers",
)


def table(all_measured: list[Measured]) -> Iterator[str]:
    """The lines that are printed: what was measured, and the plan that follows from it."""
    heads = ("MEMORY USAGE", "bytes in all", "Redis us", "worker us", "stateless us")
    yield f"{'task':<12}" + "".join(f"{head:>15}" for head in heads)
    for one in all_measured:
        numbers = (one.memory_usage, one.bytes, one.redis_us, one.worker_us, one.stateless_us)
        yield f"{one.task:<12}" + "".join(f"{number:>15,.0f}" for number in numbers)
    yield ""
    yield f"a sentence every {PAUSE} s from each, processors {BUSY:.0%} busy, half of {SERVER_GB} GB a Redis server:"
    yield f"{HEADS[0]:<12}" + "".join(f"{head:>15}" for head in HEADS[1:])
    for live in LIVE:
        for one in all_measured:
            cells = plan(one, live)
            yield f"{cells[0]:<12}" + "".join(f"{cell:>15}" for cell in cells[1:])


def measure(server: Server, store: redis.Redis, task: str, sessions: int, steps: int) -> Measured:
    """`sessions` new ones with one sentence each, for their memory; then `steps` more for each, for the time."""
    names = [f"{os.urandom(8).hex()}{number:016x}" for number in range(sessions)]

    def asked(step: int, *, in_session: bool) -> list[dict[str, object]]:
        text = SENTENCES[step % len(SENTENCES)]
        return [{"text": text, "task": task} | ({"session_id": n, "step": step} if in_session else {}) for n in names]

    valkey, worker = server.redis, server.worker
    # From the second request on the state before the last one is held, too: that is what a session takes for good.
    empty = store.info("memory")["used_memory"]
    for step in range(2):
        asyncio.run(send(server.port, asked(step, in_session=True)))
    used = store.info("memory")["used_memory"] - empty
    keys = list(store.scan_iter(f"undertone:*:{task}:*", count=1000))
    if len(keys) != sessions:
        raise RuntimeError(f"{sessions} sessions were made and Redis holds {len(keys)}")
    usage = sum(store.memory_usage(key) or 0 for key in keys) / sessions
    redis_s, worker_s, stateless_s, requests = 0.0, 0.0, 0.0, 0
    for step in range(2, 2 + steps):
        before = seconds(valkey), seconds(worker)
        asyncio.run(send(server.port, asked(step, in_session=True)))
        middle = seconds(valkey), seconds(worker)
        asyncio.run(send(server.port, asked(step, in_session=False)))
        redis_s += middle[0] - before[0]
        worker_s += middle[1] - before[1]
        stateless_s += seconds(worker) - middle[1]
        requests += sessions
    each = 1e6 / requests
    figures = (usage, used / sessions, redis_s * each, worker_s * each, stateless_s * each)
    return Measured(task, *(float(round(figure)) for figure in figures))  # what is planned with is what is shown


async def send(port: int, bodies: list[dict[str, object]]) -> None:
    """POSTs all, so many at once; raises for whatever is not 200."""
    waiting = iter(bodies)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:

        async def caller() -> None:
            for body in waiting:
                answer = await client.post("/v1/predict", json=body)
                answer.raise_for_status()

        await asyncio.gather(*(caller() for _ in range(AT_ONCE)))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sessions", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=1000, help="of each task (%(default)s)")
    parser.add_argument("--steps", type=int, default=2, help="more sentences of each, for the time (%(default)s)")
    arguments = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        sys.exit("one core is the server's and another one is the client's: there is only one here")
    print(machine())
    environment = {"UNDERTONE_MODELS": ",".join(MODELS.values()), "UNDERTONE_REDIS_TIMEOUT": "5"}
    with (
        Server(first, environment) as server,
        redis.Redis.from_url(server.worker.environ()["REDIS_URL"]) as store,
    ):
        os.sched_setaffinity(0, others)
        found = [measure(server, store, task, arguments.sessions, arguments.steps) for task in MODELS]
    print(*table(found), sep="\n")


if __name__ == "__main__":
    main()
