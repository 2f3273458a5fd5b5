"""How a request can end, on each route: the counters that are there, at 0, before the first one has.

ANSWERS --requests--> (route, method, status)        ANSWERS --errors--> (route, code)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from models import errors as models
from service import errors as service

Kinds = tuple[type[models.UndertoneError], ...]

GONE: Final = 499
"""Stands for the status where the client went away before there was one."""
BROKEN: Final[Kinds] = (models.UndertoneError,)
ASKED: Final[Kinds] = (
    *BROKEN,
    service.BodyTooLarge,
    service.Forbidden,
    service.RateLimited,
    service.Timeout,
    service.Unauthorized,
)
"""Wherever a key may be asked for."""
READ: Final[Kinds] = (
    models.InvalidRequest,
    models.MailTooLarge,
    models.TooManyTokens,
    service.EmptyText,
    service.Idle,
    service.InvalidJSON,
    service.Overloaded,
    service.TextTooLong,
    service.UnknownModel,
    service.UnknownTask,
    service.UnsupportedMedia,
)
"""Where a text is scored."""
KEPT: Final[Kinds] = (
    models.InvalidRequest,
    service.Conflict,
    service.ModelChanged,
    service.Overloaded,
    service.SessionNotFound,
    service.StateUnreadable,
    service.StoreUnavailable,
    service.UnknownTask,
    service.WrongStep,
)
"""Where there is a session."""
WRITTEN: Final[Kinds] = (
    models.InvalidEncoding,
    service.FrameTooLarge,
    service.NotAcceptable,
    service.ShuttingDown,
)
"""Where a text comes while it is written."""
NAMED: Final[Kinds] = (models.InvalidRequest, service.NotFound, service.StoreUnavailable, service.UnknownTask)
"""Where a session is named by the path."""


class Answers(NamedTuple):
    """Of one route to one method: the statuses of what goes well, and the errors."""

    good: tuple[int, ...]
    errors: Kinds


ANSWERS: Final = {
    ("/v1/predict", "POST"): Answers((200,), (*ASKED, *READ, *KEPT)),
    ("/v1/predict_batch", "POST"): Answers((200,), (*ASKED, *READ, service.BatchTooLarge)),
    ("/v1/stream", "POST"): Answers((200,), (*ASKED, *READ, *KEPT, *WRITTEN)),
    # What else a WebSocket fails with comes after its handshake.
    ("/v1/stream", "WEBSOCKET"): Answers(
        (101,), (*BROKEN, service.Forbidden, service.RateLimited, service.Unauthorized)
    ),
    ("/v1/sessions", "DELETE"): Answers((204,), (*ASKED, service.StoreUnavailable)),
    ("/v1/sessions/{id}", "GET"): Answers((200,), (*ASKED, *NAMED, *KEPT)),
    ("/v1/sessions/{id}", "DELETE"): Answers((204,), (*ASKED, *NAMED)),
    ("/v1/models", "GET"): Answers((200,), ASKED),
    ("/v1/models/{model}/card", "GET"): Answers((200,), (*ASKED, service.NotFound)),
    ("/v1/status", "GET"): Answers((200,), ASKED),
    ("/predict", "POST"): Answers((200,), (*ASKED, *READ, *KEPT)),
    ("/predict_batch", "POST"): Answers((200,), (*ASKED, *READ, service.BatchTooLarge)),
    ("/metrics", "GET"): Answers((200,), ASKED),
    ("/docs", "GET"): Answers((200,), (*ASKED, service.NotFound)),
    ("/docs.json", "GET"): Answers((200,), ASKED),
    ("/", "GET"): Answers((200, 304), (*BROKEN, service.Timeout)),
    ("/console/{name}", "GET"): Answers((200, 304), (*BROKEN, service.NotFound, service.Timeout)),
    ("/livez", "GET"): Answers((200,), BROKEN),
    ("/readyz", "GET"): Answers((200, 503), BROKEN),
    ("/healthz", "GET"): Answers((200,), BROKEN),
    # /schema.json is among the others.
    ("other", "GET"): Answers((200,), (service.Forbidden, service.NotFound, service.RateLimited, service.Unauthorized)),
    ("other", "POST"): Answers((), (service.NotFound,)),
}
USUAL: Final = ("GET", "POST", "DELETE")
"""Methods that a route may be asked with by mistake."""


def requests() -> Iterator[tuple[str, str, str]]:
    """Route, method and status of what a request can come to."""
    for (route, method), answers in ANSWERS.items():
        for status in sorted({*answers.good, *(error.status for error in answers.errors), GONE}):
            yield route, method, str(status)
    for route in dict.fromkeys(route for route, _ in ANSWERS):
        for method in USUAL:
            if route != "other" and (route, method) not in ANSWERS:
                yield route, method, str(service.MethodNotAllowed.status)


def errors() -> Iterator[tuple[str, str]]:
    """Route and code of what it can fail with."""
    for (route, _), answers in ANSWERS.items():
        kinds: Kinds = answers.errors if route == "other" else (*answers.errors, service.MethodNotAllowed)
        for error in dict.fromkeys(kinds):
            yield route, error.code
