"""WS /v1/stream: the text comes in frames while it is typed.

    {"text": "…"} --Inbox--> Stream.run --events, a frame each--> {"event": "sentence", "id": 1, …}
    {"end": true} --'    `-- a pause in typing --> {"event": "provisional", "final": false, …}

Who may not call is refused before the handshake, by an HTTP status. Any other error is an `error` event,
and then a close with 4000 + the status that the error has over HTTP; after `done` it is 1000.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from typing import Final

from pydantic import TypeAdapter, ValidationError
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from models.errors import UndertoneError
from service.access import SUBPROTOCOL, Bucket
from service.duplex import together
from service.errors import FrameTooLarge, InvalidRequest, NotFound, ShuttingDown, Timeout, UnsupportedMedia
from service.events import Event
from service.guard import ErrorResponse
from service.inbox import Inbox
from service.peer import Peer
from service.requests import last_event_id, queried
from service.serving import Serving
from service.streams import Stream
from service.wire import EndFrame, TextFrame

PAUSE: Final = 0.1
"""Seconds between provisional events, at least: however fast somebody types, their cost has a bound."""
NORMAL: Final = 1000
APPLICATION: Final = 4000
"""Close codes from here on are ours (RFC 6455, section 7.4.2)."""
FRAME: Final[TypeAdapter[TextFrame | EndFrame]] = TypeAdapter(TextFrame | EndFrame)


class Socket:
    """WS /v1/stream as an ASGI application; `serving` gives what this worker holds."""

    def __init__(self, serving: Callable[[], Serving]) -> None:
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        serving = self._serving()
        await receive()  # the handshake
        try:
            tenant = serving.access.check(scope)
        except UndertoneError as error:
            await ErrorResponse(error)(scope, receive, send)
            return
        bearer = SUBPROTOCOL if SUBPROTOCOL in scope["subprotocols"] else None
        with suppress(OSError):  # it has gone, or reads nothing (TimeoutError): nobody is there to be told
            await send({"type": "websocket.accept", "subprotocol": bearer})
            await _Typed(scope, serving, receive, send).answer(tenant)


class _Typed:
    """One connection that was accepted."""

    def __init__(self, scope: Scope, serving: Serving, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._serving = serving
        self._receive = receive
        self._send = send
        self._peer = Peer(receive)
        self._inbox = Inbox(serving.settings.idle, PAUSE)

    async def answer(self, tenant: str) -> None:
        """Returns when the answer is complete and closed, or the client has gone; leaves no task."""
        try:
            stream = await self._begin(tenant)
            await together(self._work(stream), self._watch())
        except UndertoneError as error:
            await self._write([Event.error(error)])
        except asyncio.CancelledError:
            # Only the server does that, when it ends and this stream has had its grace.
            ended = ShuttingDown(
                "the service ends: connect again and send the text again; in a session, what follows the last event's "
                "sentence, with its id as step"
            )
            await self._write([Event.error(ended)])

    async def _begin(self, tenant: str) -> Stream:
        connection = HTTPConnection(self._scope)
        asked = queried(connection)
        after = last_event_id(connection)
        self._serving.check(asked, whole=False)
        seconds = self._serving.settings.timeout
        try:
            async with asyncio.timeout(seconds):
                held = await self._serving.begin(tenant, asked)
        except TimeoutError:
            raise Timeout(f"the session was not there within {seconds:g} s (UNDERTONE_TIMEOUT)") from None
        return Stream(self._serving, held, asked, None, after, "websocket")

    async def _work(self, stream: Stream) -> None:
        async with aclosing(stream.run(self._inbox.pieces())) as groups:
            async for events in groups:
                await self._write(events)
                if self._peer.gone():
                    return

    async def _write(self, events: Sequence[Event]) -> None:
        """A frame each; and the close after the last event."""
        async with asyncio.timeout(self._serving.settings.idle):
            for event in events:
                await self._send({"type": "websocket.send", "text": event.line().decode()})
                if event.failure is not None:
                    self._scope["state"]["error"] = event.failure.code
                    await self._close(APPLICATION + event.failure.status, event.failure.code)
                elif event.name == "done":
                    await self._close(NORMAL, "")

    async def _close(self, code: int, reason: str) -> None:
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _watch(self) -> None:
        """Puts the text into the inbox, no faster than UNDERTONE_FRAME_RATE; returns when the client has gone."""
        bucket = Bucket(self._serving.settings.frame_rate)
        wanted = True
        while (message := await self._receive())["type"] != "websocket.disconnect" and not self._peer.gone():
            await asyncio.sleep(bucket.wait())
            bucket.take()
            if not wanted:
                continue
            try:
                text = self._text(message.get("text"))
            except UndertoneError as error:
                wanted = False
                await self._inbox.fail(error)
                continue
            if text is not None:
                await self._inbox.put(text)
            else:
                wanted = False
                await self._inbox.end()

    def _text(self, frame: str | None) -> str | None:
        """The text of a frame; None: it is the end."""
        if frame is None:
            raise UnsupportedMedia('a binary frame came, wanted is text: {"text": "…"} or {"end": true}')
        limit = self._serving.settings.max_frame
        if len(frame) > limit:
            raise FrameTooLarge(
                f"a frame holds {len(frame):,} code points, the limit is {limit:,} (UNDERTONE_MAX_FRAME): cut the text "
                "into more frames, anywhere",
                limit=limit,
                value=len(frame),
            )
        try:
            said = FRAME.validate_json(frame)
        except ValidationError:
            raise InvalidRequest(
                'a frame came that is neither {"text": "…"} nor {"end": true}, or whose text holds half a surrogate '
                "pair: what came before it is scored"
            ) from None
        return said.text if isinstance(said, TextFrame) else None


class Nowhere:
    """A WebSocket to any other path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        message = f"there is no WebSocket at {scope['path'][:200]}, there is one at /v1/stream"
        await ErrorResponse(NotFound(message))(scope, receive, send)
