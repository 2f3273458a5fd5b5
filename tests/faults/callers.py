"""Callers at random, who write down what they asked, when, and what came back.

    Callers (threads) --HTTP, workers in turn--> the service     --history--> verdict: steps lost, wrong probabilities

A caller without an answer sends the same request again with the same step, as the README tells it to. No
caller's request goes to the worker that had the one before, so whatever a worker keeps to itself is of no use.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import random
import secrets
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import torch

from models.artefact import load
from models.predictor import Predictor
from service.catalogue import folders
from tests.e2e.server import Client, Service, client_per_worker
from tests.faults.history import EMPTY, Answer, Node, Operation, Session, after, serial_order

MODEL: Final = "spam-gru"
SENTENCES: Final = (
    "You have won a prize.",
    "Your account is suspended!",
    "Thank you for your order.",
    "Shall we meet for lunch on Friday?",
    "Click here now to claim your free gift.",
)
WAIT: Final = 0.1
"""Seconds before a caller who was refused asks again."""
PATIENCE: Final = 120.0
LATE: Final = 5.0
"""Seconds after which what was not answered is done or never will be: a Redis that sleeps does so for less."""
DIALS: Final = 2
"""Connections that a caller opens to find another worker than its last one, before it takes that one again."""
CODES: Final = {"wrong_step": "wrong_step", "session_not_found": "gone"}


class Reader:
    """The same model, read without any service: what every answer has to say."""

    def __init__(self) -> None:
        torch.set_num_threads(1)  # for steps as small as these a second one is in the way
        (folder,) = folders([MODEL])
        self._predictor = Predictor(load(folder), "cpu")

    def __call__(self, node: Node, texts: tuple[str, ...]) -> Node:
        if texts not in node.next:
            (advance,) = self._predictor.advance([(node.state, list(texts))])
            if isinstance(advance, Exception):
                raise advance
            probability = advance.steps[-1].probabilities[-1]
            node.next[texts] = Node(node.step + len(texts), advance.state, probability)
        return node.next[texts]


@dataclass
class Tally:
    """What a run has shown."""

    operations: int
    unanswered: int
    lost: int
    """Steps that were acknowledged, and that a later answer does not know of; all of those of a session whose answers
    no order explains, since it cannot be told which."""
    wrong: int
    """Probabilities that are not those of the sentences in any order that explains the rest."""
    alternating: float = 1.0
    """As of Callers; whoever asserts it of every request leaves it at 1."""


class Turns:
    """One caller's connections, each to another worker; the one used longest ago is next."""

    def __init__(self, services: Sequence[Service], stack: contextlib.ExitStack, *, pinned: bool) -> None:
        self._services = itertools.cycle(services)
        self._stack = stack
        self._held: dict[int, Client] = {}
        if pinned:
            for service in services:
                self._held |= stack.enter_context(client_per_worker(service))
        self._last: int | None = None

    def next(self) -> tuple[int, Client]:
        """Of a worker that is not the last one, unless there is no other."""
        until = time.monotonic() + PATIENCE
        for dials in itertools.count():
            if self._held.keys() - {self._last} or (self._held and dials >= DIALS):
                break
            assert time.monotonic() < until, "no worker takes connections any more"
            self._dial()
        pid = next(iter(self._held))
        client = self._held[pid] = self._held.pop(pid)  # to the end
        self._last = pid
        return pid, client

    def drop(self, pid: int) -> None:
        self._held.pop(pid).close()

    def _dial(self) -> None:
        client = self._stack.enter_context(Client(next(self._services)))
        with contextlib.suppress(httpx.TransportError, RuntimeError, OSError):  # it was killed while it was asked
            if (pid := client.worker()) not in self._held:
                self._held = {pid: client, **self._held}
                return
        client.close()


class Callers:
    """Threads that ask at random about a few sessions, until each has asked `each` times or `stop` is set."""

    def __init__(
        self, services: Sequence[Service], seed: int, *, sessions: int = 3, erasing: bool = True, late: float = LATE
    ) -> None:
        self._services = services
        self._late = late
        self._chance = random.Random(seed)
        self._names = [secrets.token_hex(8) for _ in range(sessions)]
        self._kinds = ["write", "write", "write", "ordered", "again", "stream", "read"]
        self._kinds = self._kinds * 6 + ["erase"] * erasing
        self.history: dict[str, list[Operation]] = defaultdict(list)
        self.served: set[int] = set()
        self.stop = threading.Event()
        self._failed: list[BaseException] = []

    @contextlib.contextmanager
    def running(self, callers: int, each: int = 10**9, *, pinned: bool = True) -> Iterator[None]:
        """`pinned`: nobody kills workers, so each is held by every caller, and whoever else answers is an error."""
        connected = threading.Barrier(callers + 1)
        work = [
            threading.Thread(target=self._guarded, args=(self._chance.random(), each, pinned, connected))
            for _ in range(callers)
        ]
        for thread in work:
            thread.start()
        try:
            with contextlib.suppress(threading.BrokenBarrierError):  # a caller has failed, which is told below
                connected.wait()
            yield
            if each < 10**9:
                for thread in work:
                    thread.join()
        finally:
            self.stop.set()
            for thread in work:
                thread.join()
        for error in self._failed:
            raise error

    def _guarded(self, seed: float, each: int, pinned: bool, connected: threading.Barrier) -> None:
        try:
            self._call(seed, each, pinned, connected)
        except BaseException as error:
            self._failed.append(error)
            self.stop.set()
            connected.abort()

    def _call(self, seed: float, each: int, pinned: bool, connected: threading.Barrier) -> None:
        chance = random.Random(seed)
        known: dict[str, int] = defaultdict(int)
        last: dict[str, tuple[tuple[str, ...], int]] = {}
        with contextlib.ExitStack() as stack:
            turns = Turns(self._services, stack, pinned=pinned)
            connected.wait()
            asked = 0
            while asked < each and not self.stop.is_set():
                pid, client = turns.next()
                name, kind = chance.choice(self._names), chance.choice(self._kinds)
                texts = tuple(chance.choices(SENTENCES, k=1 if kind == "stream" else chance.randint(1, 3)))
                step: int | None = None
                if kind == "again" and name in last:
                    texts, step = last[name]
                elif kind in ("ordered", "again", "stream"):
                    step = known[name]
                elif kind in ("read", "erase"):
                    texts = ()
                done = self.ask(client, name, kind, texts, step)
                asked += math.isfinite(done.returned)  # what was refused is not in the history
                assert not pinned or done.worker == pid, f"{done.worker} answered, and not {pid}"
                if done.worker != pid:
                    turns.drop(pid)
                if done.answer is None and texts:
                    last[name] = (texts, step) if step is not None else last.get(name, (texts, known[name]))
                elif done.answer is not None:
                    known[name] = done.answer.step
                    if done.answer.kind == "scored":
                        last[name] = (texts, done.answer.step - len(texts))

    def ask(self, client: Client, name: str, kind: str, texts: tuple[str, ...], step: int | None) -> Operation:
        """One request, written down."""
        invoked = time.monotonic()
        answer = worker = None
        with contextlib.suppress(httpx.TransportError):
            response = _asked(client, name, kind, texts, step)
            # Killed since, and its connection was not the one that was held, or is closed already.
            with contextlib.suppress(RuntimeError, OSError):
                worker = client.who_answered(response)
                self.served.add(worker)
            answer, happened = _understood(response, kind)
            if not happened:
                time.sleep(WAIT)
                return Operation(texts, step, invoked, worker=worker)
        returned = time.monotonic() + (0 if answer else self._late)
        done = Operation(texts, step, invoked, returned, answer, worker)
        if answer or texts or kind == "erase":
            self.history[name].append(done)
        return done

    def have_asked(self, number: int, alternating: float) -> None:
        """Waits until so many requests were asked, and such a share of the answers came from the other worker: a
        machine that is busy takes its time for them, and of few the share is a matter of luck."""
        self.insist(lambda: sum(map(len, list(self.history.values()))) >= number and self.alternating >= alternating)

    def insist(self, done: Callable[[], bool]) -> None:
        """Waits until something is so; a caller that has failed ends it."""
        _insist(lambda: bool(self._failed) or done())

    def note(self, done: Operation) -> None:
        """Something that befell all sessions."""
        for name in self._names:
            self.history[name].append(done)

    def _looked_at(self, client: Client, name: str) -> bool:
        return self.ask(client, name, "read", (), None).answer is not None

    def tally(self) -> Tally:
        """After a last look at every session: what the history says."""
        with Client(self._services[0]) as client:
            for name in self._names:
                _insist(partial(self._looked_at, client, name))
        reader = Reader()
        everything = [one for history in self.history.values() for one in history]
        counted = Tally(len(everything), sum(one.answer is None for one in everything), 0, 0)
        counted.alternating = self.alternating
        for history in self.history.values():
            if serial_order(history, reader) is not None:
                continue
            order = serial_order(history, reader, numbers=False)
            if order is None:
                counted.lost += acknowledged(history)
            else:
                counted.wrong += _wrong(order, reader)
        return counted

    @property
    def answered(self) -> int:
        """Requests that were answered so far."""
        return sum(one.answer is not None for history in list(self.history.values()) for one in list(history))

    @property
    def alternating(self) -> float:
        """The share of a session's answers so far that came from another worker than the answer before."""
        changes = []
        for history in list(self.history.values()):
            answered = sorted((one for one in list(history) if one.answer and one.worker), key=lambda one: one.returned)
            changes += [one.worker != other.worker for one, other in itertools.pairwise(answered)]
        return sum(changes) / max(1, len(changes))


def _asked(client: Client, name: str, kind: str, texts: tuple[str, ...], step: int | None) -> httpx.Response:
    if kind == "read":
        return client.get(f"/v1/sessions/{name}", params={"task": "spam"})
    if kind == "erase":
        return client.delete(f"/v1/sessions/{name}", params={"task": "spam"})
    asked = {"text": " ".join(texts), "task": "spam", "session_id": name} | ({} if step is None else {"step": step})
    if kind == "stream":
        return client.post("/v1/stream", json=asked, headers={"accept": "application/x-ndjson"})
    return client.post("/v1/predict", json=asked)


def _understood(response: httpx.Response, kind: str) -> tuple[Answer | None, bool]:
    """The answer, and whether anything can have happened at all."""
    if response.status_code == 204:
        return Answer("erased"), True
    said: dict[str, Any] = json.loads(response.text.splitlines()[-1])
    if "error" in said:
        error = said["error"]
        if error["code"] in CODES:
            return Answer(CODES[error["code"]], error.get("expected_step", 0)), True  # type: ignore[arg-type]
        assert error["code"] in ("conflict", "store_unavailable"), error
        return None, "not known" in error["message"]
    if kind == "read":
        return Answer("held", said["step"], said["probability"]), True
    if "session" not in said:
        return None, True  # a stream that was cut
    session = said["session"]
    told = "replayed" if session["replayed"] else "scored"
    return Answer(told, session["step"], said["probability"], session["created"]), True  # type: ignore[arg-type]


def acknowledged(history: Iterable[Operation]) -> int:
    """Steps that callers were told of; at least one, since a history of none at all has an order."""
    return max(1, sum(len(one.texts) for one in history if one.answer and one.answer.kind == "scored"))


def _wrong(order: list[Operation], reader: Reader) -> int:
    """Answers whose number is not that of the order."""
    session: Session = EMPTY
    wrong = 0
    for one in order:
        exact = after(session, one, reader)
        wrong += exact is None
        then = exact or after(session, one, reader, numbers=False)
        assert then is not None
        session = then
    return wrong


def _insist(done: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, "no answer any more"
        time.sleep(0.1)
