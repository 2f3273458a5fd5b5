"""A stream over HTTP: the body in while the events go out.

receive --chunks--> Utf8Reader --Inbox--> Stream.run --events, one write per group--> send
    `-- gone --> the work is cancelled     every 15 s --heartbeat--> send      `-- gone behind a full Inbox: Peer
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message, Receive, Scope, Send

from models.errors import UndertoneError
from models.utf8 import Utf8Reader
from service.errors import ShuttingDown
from service.events import HEARTBEAT, HEARTBEAT_SECONDS, OPENING, Event, written
from service.inbox import Inbox, whole
from service.peer import Peer
from service.streams import Stream

LINGER: Final = 1.0
"""Seconds in which a client that is still sending may see that the answer is complete: a connection that is closed
while bytes come in can lose what was sent."""
LAST: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


@dataclass(frozen=True)
class Duplex:
    """The answer to a POST /v1/stream, events in the form `media`: an ASGI application."""

    stream: Stream
    media: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers; returns when the answer is complete or the client has gone, and leaves no task."""
        idle = self.stream.serving.settings.idle
        inbox = Inbox(idle)
        sent = asyncio.Event()
        writing = asyncio.Lock()

        async def patient(message: Message) -> None:
            async with writing, asyncio.timeout(idle):
                await send(message)

        async def beat() -> None:
            if not writing.locked():
                await patient(_chunk(HEARTBEAT[self.media]))

        # A client that has read nothing for so long cannot be told why: the server cuts the answer.
        with suppress(TimeoutError):
            try:
                await together(
                    self._work(inbox, sent, scope, patient, Peer(receive)), self._watch(receive, inbox, sent), beat
                )
            except asyncio.CancelledError:
                # Only the server does that, when it ends and this stream has had its grace.
                scope.setdefault("state", {})["error"] = ShuttingDown.code
                ended = ShuttingDown("the service ends: send the same again, with the same step and Last-Event-ID")
                await patient(_chunk(written([Event.error(ended)], self.media)))
                await patient(LAST)

    async def _work(self, inbox: Inbox, sent: asyncio.Event, scope: Scope, send: Send, peer: Peer) -> None:
        head = {"content-type": f"{self.media}; charset=utf-8", "cache-control": "no-store", "x-accel-buffering": "no"}
        text = self.stream.text
        if text is None:
            head["connection"] = "close"  # or a client would go on sending after an early end
        raw = [(name.encode(), value.encode()) for name, value in head.items()]
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        await send(_chunk(OPENING[self.media]))
        async with aclosing(self.stream.run(inbox.pieces() if text is None else whole(text))) as groups:
            async for events in groups:
                if events and (failure := events[-1].failure):
                    scope.setdefault("state", {})["error"] = failure.code
                await send(_chunk(written(events, self.media)))
                if peer.gone():
                    break  # while the inbox is full, nobody reads on and sees it
        inbox.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await sent.wait()
        await send(LAST)

    async def _watch(self, receive: Receive, inbox: Inbox, sent: asyncio.Event) -> None:
        """Puts the body into the inbox, and sets `sent` at its end; returns when the client has gone."""
        reader = Utf8Reader()
        good = True
        if self.stream.text is not None:
            sent.set()
        while (message := await receive())["type"] != "http.disconnect":
            if sent.is_set():
                continue
            more = message.get("more_body", False)
            if not more:
                sent.set()
            try:
                if good:
                    await inbox.put(reader.feed(message.get("body", b""), ended=not more))
            except UndertoneError as error:
                good = False
                await inbox.fail(error)
            if good and not more:
                await inbox.end()


async def together(
    work: Coroutine[Any, Any, None],
    watch: Coroutine[Any, Any, None],
    beat: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Runs until the work is done or the client has gone, and leaves no task.

    Calls `beat` every HEARTBEAT_SECONDS; raises what the first of the two that ends raises.
    """
    tasks = [asyncio.create_task(work), asyncio.create_task(watch)]
    every = None if beat is None else HEARTBEAT_SECONDS
    try:
        ended: set[asyncio.Task[None]] = set()
        while not ended:
            ended, _ = await asyncio.wait(tasks, timeout=every, return_when=asyncio.FIRST_COMPLETED)
            if beat is not None and not ended:
                await beat()
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _chunk(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}
