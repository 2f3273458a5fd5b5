"""Callers at work while something goes wrong: each scene gives what it did, and what its history says.

Stage (Redis itself, a service with two workers) --scene(stage, how long)--> Outcome
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from models.sentences import split
from tests.e2e.redis_server import AT_ONCE, RedisServer
from tests.e2e.server import Service
from tests.faults.callers import MODEL, SENTENCES, Callers, Reader, Tally
from tests.faults.history import EMPTY, Answer, Operation

REDIS: Final = ("dead", "stopped", "paused", "slow", "full", "read_only", "another_password")
"""What can befall Redis: methods of RedisServer."""
CALLERS: Final = 6
EVERY: Final = 0.3
"""Seconds between two faults."""
FEWEST: Final = 50
"""Requests that a scene of a few faults waits for: fewer show nothing."""
AWAY: Final = 0.6
"""Seconds that Redis is away: more than two of its timeouts."""


class Outcome(NamedTuple):
    name: str
    faults: int
    tally: Tally


@dataclass
class Stage:
    """A service on a Redis that forgets nothing when it is killed."""

    redis: RedisServer
    service: Service
    keys: tuple[str, str]
    folder: Path
    environment: dict[str, str]


@contextlib.contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    redis = RedisServer(folder, **AT_ONCE)
    try:
        keys = (_key(), _key())
        environment = {"REDIS_URL": redis.url, "UNDERTONE_WORKERS": "2", "UNDERTONE_MODELS": MODEL}
        environment["UNDERTONE_STATE_KEY"] = ",".join(keys)
        with Service(folder, environment) as service:
            yield Stage(redis, service, keys, folder, environment)
    finally:
        redis.stop()


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def nothing(on: Stage, each: int, seed: int = 1) -> Outcome:
    """Nothing but each other: every caller uses both workers in turn, and asserts who has answered."""
    callers = Callers([on.service], seed)
    with callers.running(CALLERS, each):
        pass
    assert callers.served == on.service.workers()
    return Outcome("requests at the same time", 0, callers.tally())


def rotation(on: Stage, each: int, seed: int = 2) -> Outcome:
    """A second service, whose first state key is the other one, beside the first: both write, both read."""
    environment = on.environment | {"UNDERTONE_STATE_KEY": ",".join(reversed(on.keys))}
    with Service(on.folder, environment) as other:
        callers = Callers([on.service, other], seed)
        with callers.running(CALLERS, each):
            pass
        assert callers.served == on.service.workers() | other.workers()
        return Outcome("two state keys in two orders", 1, callers.tally())


def killed_workers(on: Stage, seconds: float, seed: int = 3) -> Outcome:
    """SIGKILL of a worker that answers, every few hundred milliseconds while there is one."""
    callers = Callers([on.service], seed, erasing=False)
    with callers.running(CALLERS, pinned=False):
        killed = _kill(on.service, seconds, lambda: len(next(iter(callers.history.values()), ())))
        callers.have_asked(FEWEST)
    return Outcome("workers killed", killed, callers.tally())


def _kill(service: Service, seconds: float, progress: Callable[[], int]) -> int:
    """A worker is killed only after something was answered since the last one was."""
    until, killed, before = time.monotonic() + seconds, 0, -1
    while time.monotonic() < until or not killed:
        time.sleep(EVERY)
        ready = [pid for pid in service.workers() if _listens(pid)]
        # Mostly one is left to serve meanwhile, and sometimes none.
        if len(ready) > (killed % 3 != 2) and progress() != before:
            before = progress()
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(ready), signal.SIGKILL)
                killed += 1
    return killed


def _listens(pid: int) -> bool:
    """Whether a worker has got as far as an event loop: those that still load models have no epoll."""
    with contextlib.suppress(OSError):
        return any("eventpoll" in os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return False


def resumed_streams(on: Stage, seconds: float, seed: int = 4) -> Outcome:
    """Slow streams through workers that are killed: each is resumed until it is done, and equals an unbroken one."""
    chance = random.Random(seed)
    tally, faults = Tally(0, 0, 0, 0), 0
    reader, until = Reader(), time.monotonic() + seconds
    while time.monotonic() < until or not faults:
        texts = [f"{chance.choice(SENTENCES)} " for _ in range(12)]
        assert [s.text for s in split("".join(texts))] == [t.strip() for t in texts]
        seen, kills, tries = _stream_through_kills(on.service, secrets.token_hex(8), texts)
        node = EMPTY.now
        for number, text in enumerate(texts, start=1):
            node = reader(node, (text.strip(),))
            tally.lost += number not in seen
            tally.wrong += number in seen and abs(seen[number] - node.probability) > 1e-5
        tally.operations += tries
        tally.unanswered += tries - 1
        faults += kills
    return Outcome("workers killed in mid-stream", faults, tally)


def _stream_through_kills(service: Service, session: str, texts: list[str]) -> tuple[dict[int, float], int, int]:
    """The probability of each event, every one seen once; how many workers were killed, and how often it was sent."""
    seen: dict[int, float] = {}
    kills = tries = 0
    while True:
        tries += 1

        def body() -> Iterator[bytes]:
            for text in texts:
                time.sleep(0.03)
                yield text.encode()

        headers = {"content-type": "text/plain", "accept": "application/x-ndjson", "last-event-id": str(len(seen))}
        query = {"task": "spam", "session_id": session, "step": "0"}
        url = f"{service.url}/v1/stream"
        with (
            contextlib.suppress(httpx.TransportError),
            httpx.stream("POST", url, content=body(), params=query, headers=headers, timeout=60) as answer,
        ):
            _, port = answer.extensions["network_stream"].get_extra_info("client_addr")
            for line in answer.iter_lines():
                said: dict[str, Any] = json.loads(line)
                if said["event"] == "done":
                    assert said["session"]["step"] == len(texts)
                    return seen, kills, tries
                assert said["event"] == "sentence", said
                assert said["id"] == len(seen) + 1
                seen[said["id"]] = said["probability"]
                if kills < 2 and len(seen) == 4 * (kills + 1) and (pid := service.worker_at(port)):
                    os.kill(pid, signal.SIGKILL)
                    kills += 1


def troubled(on: Stage, trouble: str, seconds: float, seed: int = 5) -> Outcome:
    """Redis away for a while, in one of the ways of REDIS, and there again, and away; it forgets nothing."""
    callers = Callers([on.service], seed, erasing=False)
    faults, until = 0, time.monotonic() + seconds
    with callers.running(CALLERS, pinned=False):
        while time.monotonic() < until or not faults:
            time.sleep(2 * EVERY)
            with getattr(on.redis, trouble)():
                time.sleep(AWAY)
            faults += 1
            _until_it_serves(on.service)
        callers.have_asked(FEWEST)
    return Outcome(f"Redis {trouble.replace('_', ' ')}", faults, callers.tally())


def emptied(on: Stage, seconds: float, seed: int = 6) -> Outcome:
    """FLUSHALL in the middle, and a start with an empty disk: what is gone is 404, and never half there."""
    callers = Callers([on.service], seed, erasing=False)
    faults, until = 0, time.monotonic() + seconds
    with callers.running(CALLERS, pinned=False):
        while time.monotonic() < until or not faults:
            time.sleep(2 * EVERY)
            began = time.monotonic()
            on.redis.client.flushall()
            if faults % 2:
                with on.redis.dead():
                    time.sleep(EVERY)
            callers.note(Operation((), None, began, time.monotonic(), Answer("erased")))
            faults += 1
            _until_it_serves(on.service)
        callers.have_asked(FEWEST)
    return Outcome("Redis emptied", faults, callers.tally())


def _until_it_serves(service: Service) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        asked = {"text": "Hello there.", "task": "spam", "session_id": "probe"}
        with contextlib.suppress(httpx.TransportError):
            if httpx.post(f"{service.url}/v1/predict", json=asked, timeout=60).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("sessions did not come back")
