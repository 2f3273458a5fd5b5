"""Callers at work while something goes wrong: each scene gives what it did, and what its history says.

Stage (Redis itself, a service with two workers) --scene(stage, how long)--> Outcome
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import random
import secrets
import signal
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import h11
import httpx
import psutil

from models.sentences import split
from tests.e2e.redis_server import AT_ONCE, RedisServer
from tests.e2e.server import Service, in_turns
from tests.faults.callers import MODEL, PATIENCE, SENTENCES, WAIT, Callers, Reader, Tally
from tests.faults.forked import Forked
from tests.faults.history import CLOSE, EMPTY, Answer, Operation
from tests.service.live import Upload

REDIS: Final = ("dead", "stopped", "paused", "slow", "full", "read_only", "another_password")
"""What can befall Redis: methods of RedisServer."""
CALLERS: Final = 6
EVERY: Final = 0.3
"""Seconds between two faults."""
FEWEST: Final = 200
"""Requests that a scene of a few faults waits for: fewer show nothing."""
WORKERS: Final = 2
MANY: Final = 10
"""Workers of which one after the other is killed: on a machine where none comes back in time, there are enough for most
of a test's kills."""
KILLED: Final = 1.0
"""Seconds after which what was not answered is done or never will be, where Redis does not sleep but is killed."""
AWAY: Final = 0.6
"""Seconds that Redis is away: more than two of its timeouts."""


ALTERNATING: Final = 0.3
"""The least share of a session's answers by another worker than the one before: of two at random it is half of them."""
MOSTLY_ALONE: Final = 0.1
"""The same, where for most of the time one worker is left."""
AMPLE: Final = 1.2
"""How much more of it a scene waits for than is asserted: the last looks at the sessions count, too."""


class Outcome(NamedTuple):
    name: str
    faults: int
    tally: Tally
    every: float | None = None
    """Seconds from one fault to the next; the median."""
    grown: float | None = None
    """MB of memory that the worker which grew most took while it served."""
    least: float = ALTERNATING
    """Of the tally's alternating."""

    @property
    def in_turn(self) -> bool:
        return self.tally.alternating >= self.least

    @property
    def clean(self) -> bool:
        """Nothing is lost, no number is wrong, and workers have taken turns enough for that to say something."""
        return self.in_turn and self.tally.lost == self.tally.wrong == 0


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
        environment = {"REDIS_URL": redis.url, "UNDERTONE_WORKERS": str(WORKERS), "UNDERTONE_MODELS": MODEL}
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


def many_sessions(on: Stage, sessions: int, seed: int = 8) -> Outcome:
    """Sessions that are begun and left, a request to each worker: what one kept of each would show in its memory."""
    before: dict[int, float] = {}
    reader, lock = Reader(), threading.Lock()
    tally = Tally(0, 0, 0, 0)

    def call(caller: int) -> None:
        chance = random.Random(seed * CALLERS + caller)
        with in_turns(on.service) as turns:
            for number in range(caller, sessions, CALLERS):
                if number >= sessions // 4 and not before:
                    before.update(_memory(on.service))
                node, session = EMPTY.now, secrets.token_hex(8)
                for _ in range(3):
                    text = chance.choice(SENTENCES)
                    asked = {"text": text, "task": "spam", "session_id": session, "step": node.step}
                    while (answer := turns("POST", "/v1/predict", json=asked)).status_code == 503:
                        tally.unanswered += 1  # a Redis that is slow on a busy machine
                        time.sleep(WAIT)
                    said = answer.json()
                    with lock:
                        node = reader(node, (text,))
                        tally.operations += 1
                        tally.lost += abs(said["session"]["step"] - node.step)
                        tally.wrong += abs(said["probability"] - node.probability) > CLOSE
                if number % 3 == 0:
                    turns("DELETE", f"/v1/sessions/{session}")

    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(call, range(CALLERS)))
    after = _memory(on.service)
    return Outcome("sessions begun and left", 0, tally, grown=max(after[pid] - before[pid] for pid in after))


def _memory(service: Service) -> dict[int, float]:
    """MB that each worker holds."""
    return {pid: psutil.Process(pid).memory_info().rss / 2**20 for pid in service.workers()}


def rotation(on: Stage, seconds: float, seed: int = 2) -> Outcome:
    """Processes that write with the old state key beside those that write with the new one, and then one without it."""
    old, new = on.keys
    environment = on.environment | {"UNDERTONE_STATE_KEY": f"{new},{old}"}
    without = on.environment | {"UNDERTONE_STATE_KEY": new, "UNDERTONE_WORKERS": "1"}
    reader, continued = Reader(), Tally(0, 0, 0, 0)
    faults: list[float] = []
    with Service(on.folder, environment) as other:
        callers, until = Callers([on.service, other], seed), time.monotonic() + seconds
        with callers.running(CALLERS):
            while time.monotonic() < until or not faults:
                with Service(on.folder, without) as third:
                    faults.append(time.monotonic())
                    _continued((on.service, other, third), reader, continued)
            callers.have_asked(FEWEST, AMPLE * ALTERNATING)
        assert callers.served == on.service.workers() | other.workers()
    tally = callers.tally()
    tally.operations += continued.operations
    tally.unanswered += continued.unanswered
    tally.lost += continued.lost
    tally.wrong += continued.wrong
    return Outcome("state keys rotated", len(faults), tally, _every(faults))


def _continued(services: Sequence[Service], reader: Reader, tally: Tally) -> None:
    """One session through all services. The last has no old key, so it says which key the one before it wrote with:
    it goes on from the second's state, and cannot read the first's."""
    node, session = EMPTY.now, secrets.token_hex(8)
    first, *_, last = services
    for text, service in zip(SENTENCES, (*services, first), strict=False):
        node = reader(node, (text,))
        said = _predicted(service, session, text, node.step - 1, tally).json()
        tally.lost += said["session"]["step"] != node.step
        tally.wrong += abs(said["probability"] - node.probability) > CLOSE
    refused = _predicted(last, session, SENTENCES[-1], node.step, tally)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "state_unreadable")


def _predicted(service: Service, session: str, text: str, step: int, tally: Tally) -> httpx.Response:
    asked = {"text": text, "task": "spam", "session_id": session, "step": step}
    while (answer := httpx.post(f"{service.url}/v1/predict", json=asked, timeout=60)).status_code == 503:
        tally.unanswered += 1  # a Redis that is slow on a busy machine
        time.sleep(WAIT)
    tally.operations += 1
    return answer


def killed_workers(on: Stage, seconds: float, seed: int = 3) -> Outcome:
    """SIGKILL of a worker that answers, as often as BentoML's supervisor starts another one, which takes seconds.

    Those that it starts have to answer, too, and the sessions to change workers between two kills.
    """
    callers = Callers([on.service], seed, erasing=False)
    _until_all_are_there(on.service, WORKERS)
    with callers.running(CALLERS, pinned=False):
        killed = _kill(on.service, seconds, callers)
        _until_all_are_there(on.service, WORKERS)
        callers.insist(lambda: len(callers.served) > WORKERS)
        callers.have_asked(FEWEST, AMPLE * MOSTLY_ALONE)
    return Outcome("workers killed", len(killed), callers.tally(), _every(killed), least=MOSTLY_ALONE)


def _kill(service: Service, seconds: float, callers: Callers) -> list[float]:
    """When workers were killed: each only after something was answered since the last one was."""
    until, before = time.monotonic() + seconds, -1
    killed: list[float] = []
    while time.monotonic() < until or not killed:
        time.sleep(EVERY)
        ready = [pid for pid in service.workers() if _listens(pid)]
        # Mostly one is left to serve meanwhile, and sometimes none.
        enough = len(ready) > (len(killed) % 3 != 2) and callers.alternating >= MOSTLY_ALONE
        if enough and callers.answered != before:
            before = callers.answered
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(ready), signal.SIGKILL)
                killed.append(time.monotonic())
    return killed


def killed_often(on: Stage, seconds: float, seed: int = 7) -> Outcome:
    """SIGKILL of a worker that answers, every few hundred milliseconds to the end; there are always others."""
    with Forked(on.folder, on.environment, MANY) as service:
        _until_all_are_there(service, MANY)
        callers = Callers([service], seed, erasing=False)
        with callers.running(CALLERS, pinned=False):
            with service.killing() as killed:
                time.sleep(seconds)
            callers.have_asked(FEWEST, AMPLE * ALTERNATING)
        return Outcome("workers killed, forked anew", len(killed), callers.tally(), _every(killed))


def _until_all_are_there(service: Service, workers: int) -> None:
    until = time.monotonic() + 2 * PATIENCE
    while len([pid for pid in service.workers() if _listens(pid)]) < workers:
        assert time.monotonic() < until, "a worker that was killed is not back"
        time.sleep(0.05)


def _every(moments: Sequence[float]) -> float | None:
    return statistics.median(b - a for a, b in itertools.pairwise(moments)) if len(moments) > 1 else None


def _listens(pid: int) -> bool:
    """Whether a worker has got as far as an event loop and a socket: those that still load models lack one of them."""
    with contextlib.suppress(OSError, psutil.NoSuchProcess):
        loop = any("eventpoll" in os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
        return loop and any(one.status == psutil.CONN_LISTEN for one in psutil.Process(pid).net_connections("tcp"))
    return False


def resumed_streams(on: Stage, seconds: float, seed: int = 4) -> Outcome:
    """Slow streams through workers that are killed: each is resumed until it is done, and equals an unbroken one."""
    chance = random.Random(seed)
    tally = Tally(0, 0, 0, 0)
    kills: list[float] = []
    reader, until = Reader(), time.monotonic() + seconds
    while time.monotonic() < until or not kills:
        texts = [f"{chance.choice(SENTENCES)} " for _ in range(12)]
        assert [s.text for s in split("".join(texts))] == [t.strip() for t in texts]
        seen, killed, tries, lost = _stream_through_kills(on.service, secrets.token_hex(8), texts)
        tally.lost += lost
        node = EMPTY.now
        for number, text in enumerate(texts, start=1):
            node = reader(node, (text.strip(),))
            tally.lost += number not in seen
            tally.wrong += number in seen and abs(seen[number] - node.probability) > CLOSE
        tally.operations += tries
        tally.unanswered += tries - 1
        kills += killed
    return Outcome("workers killed in mid-stream", len(kills), tally, _every(kills))


def _stream_through_kills(
    service: Service, session: str, texts: list[str]
) -> tuple[dict[int, float], list[float], int, int]:
    """The probability of each event, every one seen once; when workers were killed, how often it was sent, and how
    many events were seen whose sentence was not stored."""
    seen: dict[int, float] = {}
    kills: list[float] = []
    killed: set[int] = set()
    lost = 0
    for tries in itertools.count(1):
        target = f"/v1/stream?task=spam&session_id={session}&step=0"
        with (
            contextlib.suppress(OSError, h11.RemoteProtocolError),
            Upload(service.port, target, last_event_id=str(len(seen))) as upload,
        ):
            upload.until(lambda upload: upload.status != 0)
            _go_on(upload)
            pid = service.worker_at(upload.port)
            assert pid is not None
            assert pid not in killed, "after a kill another worker goes on"
            for number, text in enumerate(texts, start=1):
                upload.send(text)
                if len(kills) < 2 and number > 4 * (len(kills) + 1):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
                    kills.append(time.monotonic())
                while len(seen) < number - 1:  # what follows a sentence decides where it ends
                    _see(upload, seen)
            upload.end()
            *_, done = upload.whole().events
            _go_on(upload)
            _see(upload, seen)
            assert (done.name, done.data["session"]["step"]) == ("done", len(texts)), done
            return seen, kills, tries, lost
        lost += max(0, len(seen) - _held(service, session))
    raise AssertionError


def _held(service: Service, session: str) -> int:
    """How many sentences of a session are stored."""
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{service.url}/v1/sessions/{session}?task=spam", timeout=60)
            if answer.status_code in (200, 404):
                return int(answer.json().get("step", 0))
        time.sleep(0.05)
    raise AssertionError("sessions did not come back")


def _see(upload: Upload, seen: dict[int, float]) -> None:
    """Waits for an event that was not seen yet; they come in order, and none comes twice."""
    upload.until(lambda upload: any(event.name == "error" or (event.id or 0) > len(seen) for event in upload.events))
    _go_on(upload)
    for event in upload.events:
        if event.name == "sentence" and event.id not in seen:
            assert event.id == len(seen) + 1
            seen[event.id] = event.data["probability"]


def _go_on(upload: Upload) -> None:
    """Raises ConnectionError, after which the stream is sent again, where Redis was too slow on a busy machine."""
    errors = [event.data["error"]["code"] for event in upload.events if event.name == "error"]
    if upload.status == 503 or errors == ["store_unavailable"]:
        raise ConnectionError
    assert not errors, errors


def troubled(on: Stage, trouble: str, seconds: float, seed: int = 5) -> Outcome:
    """Redis away for a while, in one of the ways of REDIS, and there again, and away; it forgets nothing."""
    callers = Callers([on.service], seed, erasing=False)
    faults: list[float] = []
    until = time.monotonic() + seconds
    with callers.running(CALLERS):
        while time.monotonic() < until or not faults:
            time.sleep(2 * EVERY)
            faults.append(time.monotonic())
            with getattr(on.redis, trouble)():
                time.sleep(AWAY)
            _until_it_serves(on.service)
        callers.have_asked(FEWEST, AMPLE * ALTERNATING)
    assert callers.served >= on.service.workers()
    return Outcome(f"Redis {trouble.replace('_', ' ')}", len(faults), callers.tally(), _every(faults))


def emptied(on: Stage, seconds: float, seed: int = 6) -> Outcome:
    """FLUSHALL in the middle, and a kill right after it: what is gone is 404, and never half there."""
    callers = Callers([on.service], seed, erasing=False, late=KILLED)
    faults: list[float] = []
    until = time.monotonic() + seconds
    with callers.running(CALLERS):
        while time.monotonic() < until or len(faults) < 2:  # of two, the second is a kill as well
            time.sleep(2 * EVERY)
            began = time.monotonic()
            on.redis.client.flushall()
            if len(faults) % 2:
                with on.redis.dead():
                    time.sleep(EVERY)
            callers.note(Operation((), None, began, time.monotonic(), Answer("erased")))
            faults.append(began)
            _until_it_serves(on.service)
        callers.have_asked(FEWEST, AMPLE * ALTERNATING)
    assert callers.served >= on.service.workers()
    return Outcome("Redis emptied", len(faults), callers.tally(), _every(faults))


def _until_it_serves(service: Service) -> None:
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until:
        asked = {"text": "Hello there.", "task": "spam", "session_id": "probe"}
        with contextlib.suppress(httpx.TransportError):
            if httpx.post(f"{service.url}/v1/predict", json=asked, timeout=60).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("sessions did not come back")
