"""The HTTP API: which path answers what.

scope --Router--> Endpoint (timer, errors) --handler: requests.py, then Serving or Stream--> answer
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Match, Route, Router, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import UndertoneError
from service import metrics, openapi, page
from service.duplex import Duplex
from service.errors import Idle, InvalidRequest, MethodNotAllowed, NotFound, StoreUnavailable, Timeout
from service.guard import PROBES, WHOLE, ErrorResponse
from service.phases import phase
from service.requests import (
    JSON,
    TEXT,
    accepted,
    admit,
    forgotten_task,
    last_event_id,
    media_type,
    parsed,
    queried,
    session_id,
)
from service.serving import Serving, cut
from service.sockets import Nowhere, Socket
from service.streams import Stream
from service.wire import BatchIn, ModelOut, ModelsOut, PredictIn, StatusOut, StreamIn

SLICE: Final = 512
"""Sentences of an answer that are written at once, a millisecond's work."""
CONTENT_SECURITY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
)


async def predict(request: Request, serving: Serving) -> Response:
    tenant = admit(request, serving)
    asked = await parsed(request, serving, PredictIn)
    return Response(await _written(await serving.answer(tenant, asked)), media_type=JSON)


async def predict_batch(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    results = []
    for answer in await serving.answers(await parsed(request, serving, BatchIn)):
        results.append(await _written(answer) if "sentences" in answer else to_json(answer))
        await asyncio.sleep(0)
    return Response(b'{"results":[' + b",".join(results) + b"]}", media_type=JSON)


async def stream(request: Request, serving: Serving) -> ASGIApp:
    streamed = media_type(request) == TEXT
    tenant = admit(request, serving, limited=not streamed)
    media = accepted(request)
    asked = queried(request) if streamed else await parsed(request, serving, StreamIn)
    after = last_event_id(request)
    asked = await serving.opened(asked)
    serving.check(asked, whole=not streamed)
    if after and asked.session_id is not None and asked.step is None:
        raise InvalidRequest(
            "Last-Event-ID resumes a stream, and in a session that wants the stream's own step: without it the text "
            "would be counted twice",
            field="step",
        )
    held = await serving.begin(tenant, asked)
    if not streamed and held.repeated:
        again = await cut(asked, held)
        held.recognise([sentence.text for sentence in again[: held.repeated]], resumed=after > 0)
    return Duplex(Stream(serving, held, asked, None if streamed else asked.text, after), media)


async def session(request: Request, serving: Serving) -> Response:
    tenant = admit(request, serving)
    name = session_id(request)
    if request.method == "DELETE":
        await serving.forget(tenant, name, forgotten_task(request))
        return Response(status_code=204)
    task = request.query_params.get("task")
    if task is None:
        raise InvalidRequest("the query lacks task: ask for ?task=spam, say", field="task")
    return _json(await serving.session(tenant, name, task))


async def sessions(request: Request, serving: Serving) -> Response:
    await serving.forget_all(admit(request, serving))
    return Response(status_code=204)


async def models(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    catalogue = serving.catalogue
    said = [
        ModelOut(
            name=model.name,
            task=model.task,
            family=model.artefact.family,
            digest=model.digest,
            labels=list(model.labels),
            default=catalogue.resolve(model.task) is model,
            thresholds=model.artefact.thresholds,
            intervals={
                rate: told["interval"]
                for rate, told in model.artefact.report.get("validation", {}).get("thresholds", {}).items()
            },
            test={
                name: {figure: value for figure, value in figures.items() if isinstance(value, int | float)}
                for name, figures in model.artefact.report.get("test", {}).items()
            },
        )
        for model in catalogue.models
    ]
    return _json(ModelsOut(models=said))


async def card(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    return PlainTextResponse(serving.catalogue.card(request.path_params["model"]), media_type="text/markdown")


async def status(_: Request, serving: Serving) -> Response:
    why: list[str] = []
    try:
        await serving.store.ping()
    except StoreUnavailable:
        why.append("the session store takes no writes: requests with session_id get 503, all others are served")
    return _json(StatusOut(status="degraded" if why else "ok", sessions="unavailable" if why else "ok", why=why))


async def exposition(request: Request, serving: Serving) -> Response:
    if not serving.settings.metrics_open:
        admit(request, serving)
    health = await serving.store.health()
    serving.metrics.write()
    return Response(await asyncio.to_thread(serving.metrics.exposition, health), media_type=metrics.CONTENT_TYPE)


async def docs_json(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    return JSONResponse(openapi.document())


async def docs(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    return HTMLResponse(openapi.PAGE, headers={"content-security-policy": CONTENT_SECURITY})


async def docs_asset(request: Request, serving: Serving) -> Response:
    admit(request, serving)
    name = request.path_params["name"]
    if name == openapi.START:
        return Response(openapi.SCRIPT, media_type="text/javascript")
    if name not in openapi.ASSETS:
        raise NotFound(f"there is nothing at {request.url.path[:200]}")
    return FileResponse(openapi.asset(name))


async def console(request: Request, _: Serving) -> Response:
    part = page.parts().get(request.path_params.get("name", page.INDEX))
    if part is None:
        raise NotFound(f"there is nothing at {request.url.path[:200]}")
    return page.answer(request, part)


async def nothing(routes: Sequence[Route], request: Request, _: Serving) -> Response:
    path = request.url.path
    methods = {
        method for route in routes if route.matches(request.scope)[0] is Match.PARTIAL for method in route.methods or ()
    }
    methods |= {"GET"} if path in PROBES else set()
    if methods:
        takes = sorted(methods)
        raise MethodNotAllowed(f"{path[:200]} takes {', '.join(takes)}, not {request.method[:20]}", takes)
    raise NotFound(f"there is nothing at {path[:200]}, /docs lists what there is")


Handler = Callable[[Request, Serving], Awaitable[ASGIApp]]


class Endpoint:
    """A handler as an ASGI application: errors in their one shape, a timer that is cancelled."""

    def __init__(self, handler: Handler, serving: Callable[[], Serving]) -> None:
        self._handler = handler
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        serving = self._serving()
        response: ASGIApp
        try:
            try:
                async with asyncio.timeout(serving.settings.timeout):
                    response = await self._handler(request, serving)
            except TimeoutError:
                raise _too_late(scope, serving.settings.timeout) from None
        except UndertoneError as error:
            response = ErrorResponse(error)
        await response(scope, receive, send)


def _too_late(scope: Scope, seconds: float) -> UndertoneError:
    if scope["method"] == "POST" and not scope["state"].get(WHOLE):
        return Idle(
            f"the body was not whole within {seconds:g} s (UNDERTONE_TIMEOUT), so nothing was scored: send it again",
            limit=seconds,
        )
    return Timeout(f"no answer within {seconds:g} s (UNDERTONE_TIMEOUT): send less at once", limit=seconds)


def application(serving: Callable[[], Serving]) -> Router:
    """The API; `serving` gives what this worker holds, once it is loaded.

    A bare router: what breaks reaches the Guard. Starlette's own middleware would answer it in plain text.
    """
    table: list[tuple[str, Handler, list[str]]] = [
        ("/v1/predict", predict, ["POST"]),
        ("/v1/predict_batch", predict_batch, ["POST"]),
        ("/predict", predict, ["POST"]),
        ("/predict_batch", predict_batch, ["POST"]),
        ("/v1/stream", stream, ["POST"]),
        ("/v1/sessions", sessions, ["DELETE"]),
        ("/v1/sessions/{id}", session, ["GET", "DELETE"]),
        ("/v1/models", models, ["GET"]),
        ("/v1/models/{model}/card", card, ["GET"]),
        ("/v1/status", status, ["GET"]),
        ("/metrics", exposition, ["GET"]),
        ("/docs", docs, ["GET"]),
        ("/docs/{name}", docs_asset, ["GET"]),
        ("/docs.json", docs_json, ["GET"]),
        ("/", console, ["GET"]),
        ("/console/{name}", console, ["GET"]),
    ]
    routes = [Route(path, Endpoint(handler, serving), methods=methods) for path, handler, methods in table]
    sockets = [WebSocketRoute("/v1/stream", Socket(serving)), WebSocketRoute("/{path:path}", Nowhere())]
    elsewhere = Endpoint(partial(nothing, routes), serving)
    return Router([*routes, *sockets, Route("/{path:path}", elsewhere)], default=elsewhere)


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type=JSON)


async def _written(answer: dict[str, Any]) -> bytes:
    """The JSON of a prediction; others are served between slices of its sentences: a long text has thousands."""
    said = answer.pop("sentences")
    slices = []
    for first in range(0, len(said), SLICE):
        if first:
            await asyncio.sleep(0)
        with phase("serialise"):
            slices.append(to_json(said[first : first + SLICE])[1:-1])
    with phase("serialise"):
        return to_json(answer)[:-1] + b',"sentences":[' + b",".join(slices) + b"]}"
