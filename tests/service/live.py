"""Real parts for the tests of the service.

artefacts, EmbeddedRedis --Bench--> Serving in a loop of the test
                         --Live--> uvicorn on a socket, in a thread <--Upload-- a request whose body is on its way
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import h11
import httpx
import hypothesis
import uvicorn
import uvloop
from starlette.types import Message, Receive, Scope, Send

from models.artefact import Artefact
from service import catalogue, server
from service.catalogue import Catalogue
from service.guard import ROUTES, Guard
from service.metrics import Metrics
from service.routes import application
from service.serving import Serving
from service.settings import Settings
from tests.models import tiny
from tests.waiting import PATIENCE, eventually

T = TypeVar("T")

KEY: Final = bytes(range(32))
"""The state key of every test."""
GONE_SECONDS: Final = 0.1
"""Seconds after which the work for a client that has gone has stopped: a promise."""
LABELS: Final = {"spam": ("ham", "spam"), "sentiment": ("negative", "positive")}
FIGURES: Final = {"documents": 10, "accuracy": 0.9, "roc_auc": None, "thresholds": {"0.01": {"recall": 0.5}}}
"""Test figures as training writes them: numbers, and tables of numbers."""
CARD: Final = "# spam-gru\n\nIt knows the cat – and the mat.\n"
"""Of spam-gru; the other models came without one."""
TEXT: Final = "The cat sat on the film. You won free money! Click, click, click. Is the cat good? The end"
"""Five sentences; most words are in the vocabulary."""


def artefact(task: str, family: str) -> Artefact:
    """A small model with seeded weights."""
    seed = ["spam", "sentiment"].index(task)
    model = tiny.artefact(family, seed)
    validation = {"thresholds": {"0.01": {"threshold": 0.75, "interval": [0.005, 0.0175], "negatives": 1000}}}
    report = {"test": {"sms": FIGURES}, "validation": validation}
    return replace(model, task=task, labels=LABELS[task], thresholds={"0.01": 0.75}, report=report)


class Bench:
    """Builds Servings on real parts."""

    def __init__(self, folders: list[Path], redis_url: str) -> None:
        self.settings = Settings(
            models=tuple(map(str, folders)),
            redis_url=redis_url,
            redis_timeout=PATIENCE,  # this machine may be busy with other things
            state_keys=(KEY,),
            timeout=PATIENCE,
        )
        self.catalogue = self.load()

    def load(self, queue: int = 1024) -> Catalogue:
        """Models with queues and an engine thread of their own."""
        return catalogue.load(self.settings.models, 1, queue)

    def serving(self, models: Catalogue | None = None, **changes: Any) -> Serving:
        return Serving(replace(self.settings, **changes), models or self.catalogue, Metrics(ROUTES))

    def run(self, use: Callable[[Serving], Coroutine[Any, Any, T]], **changes: Any) -> T:
        """What `use` gives for a Serving, in an event loop that has nothing left to do afterwards."""

        async def main() -> T:
            serving = self.serving(**changes)
            try:
                return await use(serving)
            finally:
                await serving.store.close()
                others = asyncio.all_tasks() - {asyncio.current_task()}
                assert not others, f"tasks are left: {others}"

        return asyncio.run(main())


class Live:
    """The whole application on a free port; `serving` may be exchanged while it runs."""

    def __init__(self, serving: Serving) -> None:
        self.serving = serving
        self._own = serving
        self._app = Guard(application(lambda: self.serving), lambda: self.serving)
        self.ended: list[float] = []
        """When the work for each request ended, in the order of the ends, by the clock of this machine."""
        config = uvicorn.Config(
            self._timed,
            interface="asgi3",
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            **server.options(serving.settings),
        )
        config.timeout_graceful_shutdown = 5
        self._server = uvicorn.Server(config)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="live")
        self._thread.start()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE, trust_env=False)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._server.serve(sockets=[self._listening]))

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            self.ended.append(time.monotonic())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs `work` in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def tasks(self) -> int:
        """Tasks of the loop, less the server's own and the one that counts."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return self.do(count()) - 2

    def left_after(self, leave: Callable[[], object]) -> float:
        """Seconds from a client's `leave` to the end of the work for it, which left no task behind.

        The end is stamped by the server: how soon this thread hears of it does not count.
        """
        before = len(self.ended)
        began = time.monotonic()
        leave()
        eventually(lambda: len(self.ended) > before, "the work has ended")
        eventually(lambda: self.tasks() == 0, "nothing is left")
        return self.ended[before] - began

    def close(self) -> None:
        self.client.close()
        self.do(self._own.store.close())
        self._server.should_exit = True
        self._thread.join(PATIENCE)
        self._listening.close()

    def post(self, path: str, data: object, **headers: str) -> httpx.Response:
        """POSTs JSON; underscores of a header's name stand for hyphens."""
        return self.client.post(path, json=data, headers={n.replace("_", "-"): v for n, v in headers.items()})

    @contextmanager
    def with_serving(self, serving: Serving) -> Iterator[None]:
        """Another Serving for a while, which is closed afterwards."""
        before, self.serving = self.serving, serving
        try:
            yield
        finally:
            self.serving = before
            self.do(serving.store.close())


class Event(NamedTuple):
    name: str
    id: int | None
    data: dict[str, Any]


def events(raw: bytes) -> list[Event]:
    """Server-Sent Events that are complete; comments are left out."""
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "event" in fields:
            number = int(fields["id"]) if "id" in fields else None
            found.append(Event(fields["event"], number, json.loads(fields["data"])))
    return found


class Upload:
    """A POST over a socket, whose body is sent piece by piece while the answer is read."""

    def __init__(self, port: int, target: str, **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._wire = h11.Connection(h11.CLIENT)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.ended = False
        said = {"host": "localhost", "content-type": "text/plain", "transfer-encoding": "chunked"}
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        self._put(h11.Request(method="POST", target=target, headers=list(said.items())))

    @property
    def port(self) -> int:
        """Of this end."""
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def _put(self, event: h11.Event) -> None:
        data = self._wire.send(event)
        assert data is not None
        self._socket.sendall(data)

    def send(self, text: str | bytes) -> None:
        self._put(h11.Data(data=text.encode() if isinstance(text, str) else text))

    def end(self) -> None:
        self._put(h11.EndOfMessage())

    def until(self, enough: Callable[[Upload], bool]) -> Upload:
        """Reads on until there is enough; a socket that stays silent is an error."""
        while not enough(self):
            event = self._wire.next_event()
            if event is h11.NEED_DATA:
                self._wire.receive_data(self._socket.recv(65536))
            elif isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                self.body += bytes(event.data)
            else:
                self.ended = True
                assert enough(self), f"the answer ended with {self.body!r}"
        return self

    def sentences(self, number: int) -> Upload:
        """Reads until so many sentence events have come."""
        return self.until(lambda upload: sum(e.name == "sentence" for e in upload.events) >= number)

    def whole(self) -> Upload:
        """Reads to the end of the answer."""
        return self.until(lambda upload: upload.ended)

    @property
    def events(self) -> list[Event]:
        return events(self.body)


def examples(number: int) -> hypothesis.settings:
    """Without the explanation of a failure, which traces every line of every library for minutes."""
    phases = [phase for phase in hypothesis.Phase if phase is not hypothesis.Phase.explain]
    return hypothesis.settings(max_examples=number, phases=phases)


async def gathered(*work: Awaitable[Any]) -> list[Any]:
    """Results and errors."""
    return await asyncio.gather(*work, return_exceptions=True)


async def drive(serving: Serving, body: Iterable[bytes], target: str, **headers: str) -> tuple[int, bytes]:
    """POSTs to the whole application without a socket, each piece of the body a message: status and answer."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in body]
    coming = iter([*messages, {"type": "http.request", "body": b"", "more_body": False}])
    answer: list[Message] = []

    async def receive() -> Message:
        message = next(coming, None)
        if message is None:
            await asyncio.Event().wait()  # the client stays and listens
        assert message is not None
        return message

    async def send(message: Message) -> None:
        answer.append(message)

    path, _, query = target.partition("?")
    said = {"host": "localhost", "content-type": "text/plain"} | {n.replace("_", "-"): v for n, v in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in said.items()]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": query.encode(), "headers": raw}
    await Guard(application(lambda: serving), lambda: serving)(scope | {"client": ("127.0.0.1", 1)}, receive, send)
    return answer[0]["status"], b"".join(message.get("body", b"") for message in answer)
