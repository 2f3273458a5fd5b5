"""What every request passes first, whoever answers it: BentoML's own routes or ours.

    scope --request id--> application --> status and seconds into metrics
                          `-- an exception that nobody caught: 500

It is the outermost middleware: an exception that left it would hang the client.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import UndertoneError
from service import phases
from service.errors import body, headers
from service.phases import Phases

if TYPE_CHECKING:
    from service.metrics.metrics import Kind
    from service.serving import Serving

logger = logging.getLogger(__name__)

NATIVE: Final = ("/predict", "/predict_batch")
"""POST, where BentoML's clients ask: the same as below /v1."""
PROBES: Final = ("/livez", "/readyz", "/healthz")
"""GET, answered by BentoML."""
ROUTES: Final = (
    "/v1/predict",
    "/v1/predict_batch",
    "/v1/stream",
    "/v1/sessions",
    "/v1/sessions/{id}",
    "/v1/models",
    "/v1/models/{model}/card",
    "/v1/status",
    "/metrics",
    "/docs",
    "/docs.json",
    "/",
    "/console/{name}",
    *NATIVE,
    *PROBES,
)
STREAM: Final = "/v1/stream"
UNCOUNTED: Final = ("/metrics", *PROBES)
"""Not in flight: who looks at the number should not see itself."""
OTHER: Final = "other"
WEBSOCKET: Final = "WEBSOCKET"
"""Stands for the method in the metrics."""
BROKEN: Final = 1011
"""The close code for what broke here (RFC 6455, section 7.4.1)."""
SWITCHING_PROTOCOLS: Final = 101
WHOLE: Final = "whole"
"""What a request's state says once its body is there."""
LINGER_BYTES: Final = 32 * 2**20
LINGER_SECONDS: Final = 2.0
"""How much of a body is read after its request was refused, and how long."""
_STARTS: Final = ("http.response.start", "websocket.http.response.start", "websocket.accept")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_METHODS: Final = frozenset({"GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"})


def template(path: str) -> str:
    """The route that a path belongs to: one of ROUTES, or OTHER, so that labels stay few.

    >>> template("/v1/sessions/abc"), template("/v1/predict"), template("/wp-login.php")
    ('/v1/sessions/{id}', '/v1/predict', 'other')
    """
    if path.startswith("/v1/sessions/"):
        return "/v1/sessions/{id}"
    if path.startswith("/v1/models/") and path.endswith("/card"):
        return "/v1/models/{model}/card"
    if path.startswith("/console/"):
        return "/console/{name}"
    if path.startswith("/docs/"):
        return "/docs"
    return path if path in ROUTES else OTHER


class Guard:
    """`serving` gives what this worker holds, once it is loaded."""

    def __init__(self, app: ASGIApp, serving: Callable[[], Serving]) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        serving = self._serving()
        asked = HTTPConnection(scope)
        request = _begun(asked.headers, serving)
        answer = _Answer(send, request, timed=scope["path"] != STREAM)
        scope.setdefault("state", {})
        serving.metrics.came(kind := _kind(scope))
        token = phases.begin(request)
        try:
            app = _shared(self._app, asked.headers.get("origin"), serving.settings.origins)
            await app(scope, receive, answer.send)
        except ClientDisconnect:
            pass  # it went away while it sent its body: nobody is there to answer
        except Exception:
            logger.exception("request %s failed", request.request_id)
            await _broken(scope, receive, answer, request.request_id)
        finally:
            serving.metrics.went(kind)
            _tell(scope, answer.status, request, serving)
            phases.end(token)


class _Answer:
    """Sends with the request's id and, if it is `timed`, its phases on it, and remembers the status."""

    def __init__(self, send: Send, request: Phases, timed: bool) -> None:
        self._send = send
        self._request = request
        self._timed = timed
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] in _STARTS:
            self.status = message.get("status", SWITCHING_PROTOCOLS)
            message["headers"] = list(message.get("headers", ()))
            message["headers"].append((b"x-request-id", self._request.request_id.encode()))
            if self._timed:
                message["headers"].append((b"server-timing", self._request.header().encode()))
        await self._send(message)


class ErrorResponse(JSONResponse):
    """An error in its one shape, to a WebSocket before its handshake, too; its code is noted for the metrics."""

    def __init__(self, error: UndertoneError) -> None:
        super().__init__(body(error), error.status, headers(error))
        self._code = error.code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["error"] = self._code
        if not _still_comes(scope):
            await super().__call__(scope, receive, send)
            return
        # A socket that is closed with bytes in it that nobody has read takes the answer back from whoever sends first
        # and reads then, as most clients do.
        headers = [*self.raw_headers, *([] if _ends(scope) else [(b"connection", b"close")])]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await _drain(receive)
        await send({"type": "http.response.body"})


def _still_comes(scope: Scope) -> bool:
    """Whether a request has a body of which something may be on its way: all of it, unless the client wants to be told
    first that it may send it."""
    if scope["type"] != "http" or scope["state"].get(WHOLE):
        return False
    headers = Headers(scope=scope)
    return (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers) and "expect" not in headers


def _ends(scope: Scope) -> bool:
    """Whether a body is known to end within what is read of one that was refused."""
    declared = Headers(scope=scope).get("content-length", "")
    return declared.isdecimal() and int(declared) <= LINGER_BYTES


async def _drain(receive: Receive) -> None:
    """Reads what still comes of a body, and forgets it: no more than LINGER_BYTES, as long as it comes."""
    read = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while read < LINGER_BYTES:
                message = await receive()
                read += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _begun(headers: Headers, serving: Serving) -> Phases:
    """The request, which begins now and has its id: the caller's if that is one, else ours."""
    given = headers.get("x-request-id", "")
    return Phases(
        given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8),
        serving.metrics.phases,
        traced=serving.tracing is not None,
        traceparent=headers.get("traceparent", ""),
    )


def _shared(app: ASGIApp, origin: str | None, origins: Collection[str]) -> ASGIApp:
    """The application; to a page in UNDERTONE_ORIGINS, with the headers that let its scripts read the answer."""
    if origin not in origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=sorted(origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["authorization", "content-type", "last-event-id", "x-request-id"],
        expose_headers=["retry-after", "server-timing", "x-request-id"],
    )


async def _broken(scope: Scope, receive: Receive, answer: _Answer, request_id: str) -> None:
    """The answer to a request that something here broke, or the end of the one that had begun."""
    if answer.status is None:
        error = UndertoneError(f"something broke here, not in your request: try again, or report {request_id}")
        await ErrorResponse(error)(scope, receive, answer.send)
    elif scope["type"] == "websocket":
        with suppress(Exception):  # it may have been closed before it broke
            await answer.send({"type": "websocket.close", "code": BROKEN})


def _tell(scope: Scope, status: int | None, request: Phases, serving: Serving) -> None:
    """The metrics, the log and the trace of a request that has ended."""
    metrics = serving.metrics
    route = template(scope["path"])
    method = scope.get("method", WEBSOCKET)
    method = method if method in (*_METHODS, WEBSOCKET) else OTHER
    metrics.answered(
        route, method, str(status or 499), None if route == STREAM else time.perf_counter() - request.began
    )
    code = scope["state"].get("error")
    if code:
        metrics.failed(route, code)
    if request.session is not None:
        metrics.session_ended(*request.session, code)
    if scope["path"] not in UNCOUNTED or code:
        serving.journal.request(route, method, status, code, request)
    if serving.tracing is not None:
        serving.tracing.record(request, route, method, status, code)


def _kind(scope: Scope) -> Kind | None:
    """As what a request counts while it is being answered."""
    if scope["path"] == STREAM:
        return "http" if scope["type"] == "http" else "websocket"
    return None if scope["path"] in UNCOUNTED else "request"
