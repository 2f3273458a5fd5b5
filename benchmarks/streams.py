"""Many streams at once: how long from the chunk that decides a sentence's end to its event?

    N clients --a sentence a second each, at times of their own--> one worker on one core --events--> milliseconds

`python -m benchmarks.streams` measures HTTP, HTTP in sessions, and WebSockets. The promise is 500 streams
with a 99th percentile under 50 ms; the status is 1 where a case misses it. A chunk holds one sentence, so the next
chunk decides where it ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final

import numpy as np
import uvloop
from websockets.asyncio.client import connect

from benchmarks.contest import ENVIRONMENT
from benchmarks.server import Server, seconds
from benchmarks.texts import SENTENCES

PROMISED_MS: Final = 50.0
PATIENCE: Final = 60.0
"""Seconds that a case may take beyond its sentences."""
OPENING: Final = 5
"""Seconds in which all streams are opened."""
WARM: Final = OPENING + 1
"""Sentences of each stream that are not counted: not all streams are open yet."""

Send = Callable[[str], Awaitable[None]]
Opened = tuple[Send, AsyncIterator[bytes]]
"""How more of the text is sent, and the events as JSON objects."""


@asynccontextmanager
async def over_http(port: int, query: str) -> AsyncIterator[Opened]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /v1/stream?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nTransfer-Encoding: chunked\r\n"
    writer.write(f"{head}Content-Type: text/plain\r\nAccept: application/x-ndjson\r\n\r\n".encode())
    if b" 200 " not in (answer := await reader.readline()):
        raise RuntimeError(f"the service answered {answer!r}")

    async def send(text: str) -> None:
        data = text.encode()
        writer.write(b"%x\r\n%s\r\n" % (len(data), data) if data else b"0\r\n\r\n")
        await writer.drain()

    async def events() -> AsyncIterator[bytes]:
        async for line in reader:
            if line.startswith(b"{"):  # not a header, and not the size of a chunk
                yield line

    try:
        yield send, events()
    finally:
        writer.close()


@asynccontextmanager
async def over_websocket(port: int, query: str) -> AsyncIterator[Opened]:
    async with connect(
        f"ws://127.0.0.1:{port}/v1/stream?{query}", compression=None, open_timeout=PATIENCE, ping_interval=None
    ) as socket:

        async def send(text: str) -> None:
            await socket.send(json.dumps({"text": text} if text else {"end": True}))

        async def events() -> AsyncIterator[bytes]:
            async for message in socket:
                yield message.encode() if isinstance(message, str) else message

        yield send, events()


Transport = Callable[[int, str], AbstractAsyncContextManager[Opened]]
CASES: Final[dict[str, tuple[Transport, bool]]] = {
    "HTTP": (over_http, False),
    "HTTP, in sessions": (over_http, True),
    "WebSocket": (over_websocket, False),
}


async def one(opened: Opened, number: int, seconds: int, late: list[float]) -> list[float]:
    """Feeds one stream, a sentence a second; the seconds from the deciding chunk to each sentence's event."""
    send, events = opened
    clock = time.perf_counter
    sent: list[float] = []
    took: list[float] = []

    async def feed() -> None:
        due = clock()
        for k in range(seconds):
            await asyncio.sleep(max(0.0, due + k - clock()))
            late.append(clock() - due - k)
            sent.append(clock())
            await send(f"{SENTENCES[(number + k) % len(SENTENCES)]} ")
        await asyncio.sleep(1)
        sent.append(clock())
        await send("")

    feeding = asyncio.create_task(feed())
    try:
        async for raw in events:
            event = json.loads(raw)
            if event["event"] == "sentence":
                took.append(clock() - sent[event["id"]])
            elif event["event"] not in ("provisional", "heartbeat"):
                break
    finally:
        feeding.cancel()
    if event["event"] != "done" or len(took) != seconds:
        raise RuntimeError(f"a stream of {seconds} sentences ended after {len(took)} with {raw[:300]!r}")
    return took[WARM:]


async def case(name: str, port: int, streams: int, seconds: int) -> tuple[list[float], list[float]]:
    """What all streams took, and how late the clients themselves were."""
    transport, sessions = CASES[name]
    late: list[float] = []
    run = os.urandom(4).hex()

    async def stream(number: int) -> list[float]:
        await asyncio.sleep(OPENING * random.random())
        query = "task=spam" + (f"&session_id={run}-{number}" if sessions else "")
        async with transport(port, query) as opened:
            return await one(opened, number, seconds, late)

    async with asyncio.timeout(OPENING + seconds + PATIENCE), asyncio.TaskGroup() as group:
        tasks = [group.create_task(stream(number)) for number in range(streams)]
    return [took for task in tasks for took in task.result()], late


def kept(name: str, server: Server, streams: int, sentences: int) -> bool:
    """Prints the line of a case; False where it misses the promise."""
    before, began = seconds(server.worker), time.perf_counter()
    took, late = uvloop.run(case(name, server.port, streams, sentences))
    cpu, wall = seconds(server.worker) - before, time.perf_counter() - began
    p50, p95, p99, most = np.percentile(took, [50, 95, 99, 100]) * 1000
    lag = np.percentile(late, 99) * 1000
    print(
        f"{name:<20}{len(took):>8,}{p50:>9.1f}{p95:>8.1f}{p99:>8.1f}{most:>8.1f}{cpu / wall:>9.0%}"
        f"{cpu / (streams * sentences) * 1000:>13.2f}{lag:>15.1f} ms"
        f"{'' if p99 < PROMISED_MS else f'   NOT under {PROMISED_MS:g} ms'}"
    )
    return bool(p99 < PROMISED_MS)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.streams", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=500, help="open at once (%(default)s)")
    parser.add_argument("--seconds", type=int, default=20, help="sentences of each stream (%(default)s)")
    arguments = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        sys.exit("one core is the server's and another one is the clients': there is only one here")
    load = Path("/proc/loadavg").read_text("utf-8").split()[0]
    print(f"{arguments.streams} streams, {arguments.seconds} sentences each, one a second; load before: {load}")
    print(f"{'':<20}{'events':>8}{'p50 ms':>9}{'p95':>8}{'p99':>8}{'max':>8}", end="")
    print(f"{'worker':>9}{'CPU ms each':>13}{'clients late p99':>18}")
    with Server(first, ENVIRONMENT) as server:
        os.sched_setaffinity(0, others)
        missed = [name for name in CASES if not kept(name, server, arguments.streams, arguments.seconds)]
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
