"""The BentoML service: `bentoml serve service.app:Undertone`.

supervisor: on_deployment --embedded Redis--> environment, supervisor.py   (once)
worker:     __init__ --models--> Serving          to_asgi: server.py       request --Guard--> ours, routes.py
                                                             `-----> BentoML's: probes, /schema.json
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import bentoml
from _bentoml_impl.server.app import ServiceAppFactory
from _bentoml_sdk.service import Service
from bentoml._internal.context import server_context
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from bentoml.exceptions import BentoMLException
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from models.errors import UndertoneError
from service import catalogue, embedded, logs, openapi, server, supervisor
from service.access import OPEN_TENANT
from service.guard import PROBES, ROUTES, ErrorResponse, Guard
from service.metrics import Metrics
from service.parent import die_with
from service.routes import application
from service.serving import Serving
from service.settings import Settings, SettingsError
from service.wire import BatchIn, PredictIn, Prediction

T = TypeVar("T")
YOUNG: Final = 10_000
"""Objects that have come since the collector last looked through the new ones, when it does so again."""
SCHEMA: Final = "/schema.json"
"""Where BentoML's clients look first; who may not call need not know."""
BENTOS: Final = frozenset((method, path) for method in ("GET", "HEAD") for path in (*PROBES, SCHEMA))
"""What BentoML answers."""


def _settle_memory() -> None:
    """What is loaded stays, so the collector need not look at it again: each look was a pause for all requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


def _not_of_a_refusal(record: logging.LogRecord) -> bool:
    """Drops what uvicorn says of every WebSocket that is refused by a status, as if the answer was missing."""
    return record.msg != "ASGI callable returned without completing handshake."


class NativeBatchOut(BaseModel):
    """BatchOut without its union: BentoML's client reads every item of one as the first of its types."""

    results: list[dict[str, Any]]


class _Factory(ServiceAppFactory):  # type: ignore[misc]
    """BentoML's application without two middlewares that ours replace: the timer is never cancelled, so
    every request lives on for the whole timeout, and tracing costs a third of a request even when off."""

    @property
    def middlewares(self) -> list[Middleware]:
        return [m for m in super().middlewares if m.cls not in (TimeoutMiddleware, OpenTelemetryMiddleware)]


class _Trimmed(Service[T]):  # type: ignore[misc]
    @property
    def openapi_spec(self) -> dict[str, Any]:
        """What a Bento carries: BentoML's own cannot hold the `examples` of our models, and knows no /v1."""
        return openapi.document()

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        self.inject_config()
        server.teach(Settings.read(os.environ))
        factory = _Factory(self, is_main=is_main)

        def serving() -> Serving:
            return cast(Serving, factory._service_instance.serving)

        return Guard(_Doors(factory(), serving), serving)


class _Doors:
    """What is BentoML's goes to BentoML. All else is ours, and passes none of its layers: mounted in its application,
    they cost a request more than all of ours together."""

    def __init__(self, bento: ASGIApp, serving: Callable[[], Serving]) -> None:
        self._bento = bento
        self._ours = application(serving)
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._ours
        if scope["type"] == "lifespan" or (scope.get("method"), scope["path"]) in BENTOS:
            app = self._bento
            if scope.get("path") == SCHEMA:
                try:
                    self._serving().access.check(scope)
                except UndertoneError as error:
                    app = ErrorResponse(error)
        await app(scope, receive, send)


@bentoml.service(
    name="undertone",
    service_class=_Trimmed,
    workers=Settings.read({"UNDERTONE_WORKERS": os.environ.get("UNDERTONE_WORKERS", "")}).workers,
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
    metrics={"enabled": False},
)
class Undertone:
    """Spam and sentiment, one running probability after every sentence.

    The two APIs are what BentoML's clients find in /schema.json. Over HTTP routes.py answers at their paths, with
    the limits, the checks and the errors of /v1: BentoML would shape errors itself, and take any content type.
    """

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def prepare() -> None:
        """Once, in the supervisor: refuses what no worker could serve; workers inherit the environment."""
        logs.install()
        try:
            settings = Settings.read(os.environ)
            catalogue.folders(settings.models)
            catalogue.look_for(settings.device, settings.workers)
        except SettingsError as error:
            raise BentoMLException(str(error)) from None  # which its command line shows as a sentence
        embedded.provide(os.environ)
        supervisor.teach(settings.grace)

    def __init__(self) -> None:
        logs.install()
        logging.getLogger("uvicorn.error").addFilter(_not_of_a_refusal)
        settings = Settings.read(os.environ)
        worker = server_context.worker_index or 1
        if server_context.worker_index:
            die_with(os.getppid())  # else it would serve on, without sessions, where the supervisor was killed
        models = catalogue.load(settings.models, worker, settings.queue, settings.device)
        self.serving = Serving(settings, models, Metrics(ROUTES))
        _settle_memory()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    async def close(self) -> None:
        await self.serving.close()

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict(self, request: PredictIn, /) -> Prediction:
        return await self.serving.predict(OPEN_TENANT, request)

    @bentoml.api  # type: ignore[untyped-decorator]
    async def predict_batch(self, request: BatchIn, /) -> NativeBatchOut:
        return NativeBatchOut(results=await self.serving.answers(request))
