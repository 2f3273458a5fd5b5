"""What metrics, Server-Timing and the log cost a prediction: the same requests with and without them, in turn.

POST /v1/predict, past the socket --as it is / each instrument made to do nothing--> equal? --> µs of CPU a request
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final
from unittest.mock import patch

from starlette.types import Message

from benchmarks.rounds import machine, measure
from benchmarks.texts import MAIL, SMS

REQUESTS: Final = 50
"""Of one round; the instruments' own timer comes into it every tenth of a second, as it does in service."""
VERBS: Final = ("came", "went", "answered", "first_event", "write")
METER: Final = ("batch", "scored", "finished")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.instruments", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60, help=f"rounds of {REQUESTS} requests each way (60)")
    rounds = parser.parse_args().rounds
    print(machine())
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w", encoding="utf-8") as nowhere:
        # As with several workers: every number is in a shared file. Read when prometheus_client is imported.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        said = sys.stdout
        with patch("sys.stdout", nowhere):
            for line in compare(rounds):
                print(line, file=said, flush=True)


def compare(rounds: int) -> Iterator[str]:
    """A line for each text and way; raises RuntimeError where the instruments change an answer."""
    from service import catalogue
    from service.guard import ROUTES, Guard
    from service.metrics import Metrics
    from service.routes import application
    from service.serving import Serving
    from service.settings import Settings

    models = catalogue.load(("spam-gru",), 1, 1024, "cpu")
    with asyncio.Runner() as runner:
        serving = Serving(Settings(models=("spam-gru",)), models, Metrics(ROUTES))
        app = Guard(application(lambda: serving), lambda: serving)

        async def many(body: bytes, times: int) -> set[bytes]:
            return {await ask(app, body) for _ in range(times)}

        def way(context: Callable[[], AbstractContextManager[object]], body: bytes) -> Callable[[], set[bytes]]:
            def work() -> set[bytes]:
                with context():
                    return runner.run(many(body, REQUESTS))

            return work

        for name, text in (("an SMS", SMS), ("a mail", MAIL)):
            body = json.dumps({"text": text, "task": "spam"}).encode()
            ways = {"without": way(off, body), "with": way(ExitStack, body), "with, but no log": way(no_log, body)}
            if len(set.union(*(work() for work in ways.values()))) != 1:
                raise RuntimeError("the instruments change the answer")
            for kind, times in measure(ways, rounds, REQUESTS).items():
                yield f"{name}, {kind}: {times.each * 1e6:.0f} µs of CPU a request, {1 / times.ratio - 1:+.1%}"
        runner.run(serving.close())


async def ask(app: Callable[..., Awaitable[None]], body: bytes) -> bytes:
    """The answer's body."""
    came = iter([{"type": "http.request", "body": body, "more_body": False}])
    answer: list[Message] = []

    async def receive() -> Message:
        return next(came)

    async def send(message: Message) -> None:
        answer.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"", "headers": headers}
    await app(scope | {"client": ("127.0.0.1", 1)}, receive, send)
    return b"".join(message.get("body", b"") for message in answer)


@contextmanager
def no_log() -> Iterator[None]:
    with patch("service.logs.Journal.request", nothing):
        yield


@contextmanager
def off() -> Iterator[None]:
    """Every instrument does nothing."""
    with ExitStack() as stack:
        for verb in VERBS:
            stack.enter_context(patch(f"service.metrics.metrics.Metrics.{verb}", nothing))
        for verb in METER:
            stack.enter_context(patch(f"service.metrics.metrics.Meter.{verb}", nothing))
        for name in ("service.phases.spent", "service.phases.Phases.header", "service.logs.Journal.request"):
            stack.enter_context(patch(name, nothing))
        yield


def nothing(*_: object, **__: object) -> str:
    return ""


if __name__ == "__main__":
    main()
