"""A transport of httpx whose answer comes while the body is still being written.

    request.stream --sender: a task--> h11 --> socket
                       answer <-- h11 <-- read, as the answer is iterated

httpx's own transport reads nothing before the whole body is sent, which makes a conversation of it
impossible. This one takes h11 and httpcore's network backend, which httpx is made of: HTTP/1.1, one
connection a request, no proxies.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final

import h11
import httpcore
import httpx

READ: Final = 65_536


class Duplex(httpx.AsyncBaseTransport):
    """Raises httpx.TransportError like any transport of httpx, and what the body's iterator raises."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._backend = httpcore.AnyIOBackend()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        times: dict[str, float | None] = request.extensions.get("timeout", {})
        host, secure = request.url.raw_host.decode(), request.url.scheme == "https"
        with _as_httpx():
            stream = await self._backend.connect_tcp(
                host.strip("[]"), request.url.port or (443 if secure else 80), timeout=times.get("connect")
            )
            if secure:
                stream = await stream.start_tls(self._context, host, timeout=times.get("connect"))
        exchange = _Exchange(stream, times)
        try:
            await exchange.ask(request)
            head = await exchange.head()
        except BaseException:
            await exchange.aclose()
            raise
        return httpx.Response(head.status_code, headers=list(head.headers), stream=exchange, request=request)


class _Exchange(httpx.AsyncByteStream):
    """One request and its answer."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, times: dict[str, float | None]) -> None:
        self._stream = stream
        self._times = times
        self._wire = h11.Connection(h11.CLIENT)
        self._sender: asyncio.Task[None] | None = None
        self._broken: Exception | None = None

    async def ask(self, request: httpx.Request) -> None:
        """Sends the head, and begins to send the body."""
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"connection"]
        method, target = request.method.encode(), request.url.raw_path
        await self._write(h11.Request(method=method, target=target, headers=[*headers, (b"connection", b"close")]))
        self._sender = asyncio.create_task(self._send(request.stream))

    async def head(self) -> h11.Response:
        while not isinstance(event := await self._next(), h11.Response):
            pass
        return event

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while not isinstance(event := await self._next(), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.Data):
                yield bytes(event.data)

    async def aclose(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        await self._stream.aclose()

    async def _send(self, body: Any) -> None:
        try:
            async for piece in body:
                await self._write(h11.Data(data=piece))
            await self._write(h11.EndOfMessage())
        except httpx.TransportError:
            pass  # the answer says why, or is broken off, too
        except Exception as error:
            self._broken = error
            await self._stream.aclose()

    async def _write(self, event: h11.Event) -> None:
        with _as_httpx():
            if data := self._wire.send(event):
                await self._stream.write(data, timeout=self._times.get("write"))

    async def _next(self) -> h11.Event:
        """The next thing that the server says."""
        try:
            with _as_httpx():
                while not isinstance(event := self._wire.next_event(), h11.Event):
                    self._wire.receive_data(await self._stream.read(READ, timeout=self._times.get("read")))
                return event
        except httpx.TransportError:
            if self._broken is not None:
                raise self._broken from None
            raise


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Errors of httpcore as those of httpx, which have the same names; of h11, as both have it."""
    try:
        yield
    except h11.RemoteProtocolError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
    except (httpcore.NetworkError, httpcore.TimeoutException) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
