"""What an HTTP request says, checked in the order that the API promises.

404/405 -> 413 body -> 401/403 -> 429 -> 415/406 -> 400 JSON, schema -> 413 text -> 503 -> 404/409 session
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import HTTPConnection, Request

from models.errors import UndertoneError
from service.errors import BodyTooLarge, InvalidJSON, InvalidRequest, NotAcceptable, UnsupportedMedia
from service.events import NDJSON, SSE
from service.guard import WHOLE
from service.phases import phase
from service.serving import Serving
from service.wire import SessionId, StreamIn, half_character

M = TypeVar("M", bound=BaseModel)
JSON: Final = "application/json"
TEXT: Final = "text/plain"
MAIL: Final = "message/rfc822"
QUERY: Final = ("task", "model", "threshold", "session_id", "step", "stop_at")
LONGEST_ID: Final = 19
"""Digits of an event's id."""
MANY: Final = 1000
"""Errors of one body above which none is named: pydantic makes a table of all of them, or of none."""
HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escaped surrogate, which may stand alone."""
NOT_AT_ALL: Final = re.compile(r"q=0(?:\.0{0,3})?")
"""The weight of what a client does not accept (RFC 9110, section 12.4.2)."""
NAME: Final[TypeAdapter[str]] = TypeAdapter(SessionId)
"""What a session id may be, where it is part of a path, and a task that is not loaded."""


def admit(connection: HTTPConnection, serving: Serving, *, limited: bool = True) -> str:
    """The caller's tenant, once the size that it declares, before a byte is read, and its access are found right."""
    length = connection.headers.get("content-length", "0")
    limit = serving.settings.max_body
    if limited and length.isdecimal() and int(length) > limit:
        raise _too_large(int(length), limit)
    return serving.access.check(connection.scope)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise _too_large(size, limit)
        parts.append(part)
    request.scope.setdefault("state", {})[WHOLE] = True
    return b"".join(parts)


def _too_large(size: int, limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"the body has {size:,} bytes or more, the limit is {limit:,} (UNDERTONE_MAX_BODY): send it in parts",
        limit=limit,
        value=size,
    )


async def parsed(request: Request, serving: Serving, model: type[M]) -> M:
    """The JSON body as `model`; or, where that takes a mail, the body as the mail and the query as the rest."""
    media = media_type(request)
    wanted = (JSON, MAIL) if "email" in model.model_fields else (JSON,)
    if media not in wanted:
        raise UnsupportedMedia(f"the content type is {media[:80] or 'missing'!r}, wanted is {' or '.join(wanted)}")
    as_it_is(request)
    data = await read_body(request, serving.settings.max_body)
    try:
        with phase("parse"):
            if media == MAIL:
                return model.model_validate({**_query(request, model), "email": data}, strict=False)
            return _read(data, model)
    except ValidationError as error:
        raise _refused(error) from None


def _read(data: bytes, model: type[M]) -> M:
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if error.error_count() > 1 or _first(error)["type"] != "json_invalid" or not HALF.search(data):
            raise
        batch = _with_halves(data, "texts" if "texts" in model.model_fields else None)
        if batch is None:
            raise
        return model.model_validate(batch)


def _with_halves(data: bytes, free: str | None) -> dict[str, Any] | None:
    """JSON with lone surrogates, at which pydantic gives up, as the standard library reads it, who does not: a batch
    with them in its field `free`, where they fail their own items alone. None: something else is wrong with it."""
    try:
        given = json.loads(data.decode())
        batch = isinstance(given, dict) and free in given
        half = half_character(json.dumps({**given, free: None} if batch else given, ensure_ascii=False))
    except (ValueError, RecursionError):
        return None
    if half:
        raise InvalidJSON.half("the body", half)
    return given if batch else None


def as_it_is(connection: HTTPConnection) -> None:
    """Refuses a body that is compressed, or no UTF-8: it would be read as what it is not."""
    encoding = connection.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMedia(f"the content encoding is {encoding[:40]!r}, wanted is none: send the body as it is")
    charset = connection.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0].strip(' "')
    if charset not in ("", "utf-8", "utf8"):
        raise UnsupportedMedia(f"the charset is {charset[:40]!r}, wanted is utf-8")


def queried(connection: HTTPConnection) -> StreamIn:
    """The query as a StreamIn whose text is still to come; unknown keys are ignored, numbers are strings."""
    as_it_is(connection)
    try:
        return StreamIn.model_validate({**_query(connection, StreamIn), "text": ""}, strict=False)
    except ValidationError as error:
        raise _refused(error) from None


def _query(connection: HTTPConnection, model: type[BaseModel]) -> dict[str, str]:
    known = set(QUERY) & model.model_fields.keys()
    return {name: value for name, value in connection.query_params.items() if name in known}


def _first(error: ValidationError) -> ErrorDetails:
    return error.errors(include_url=False, include_context=False, include_input=False)[0]


def _refused(error: ValidationError) -> UndertoneError:
    if (wrong := error.error_count()) > MANY:
        return InvalidRequest(f"body: {wrong:,} of its fields are not known, or not what they should be; see /docs")
    first = _first(error)
    if first["type"] == "json_invalid":
        return InvalidJSON(f"the body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}; nothing was scored")
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("function-", "constrained-")))
    field = field[:80] or ("text" if first["type"] == "text_or_email" else "body")
    return InvalidRequest(f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}; see /docs", field=field)


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def accepted(request: Request) -> str:
    """The form of the events: the first that the client accepts, Server-Sent Events where it does not say."""
    wanted = request.headers.get("accept", "*/*")
    for part in wanted.lower().split(","):
        media, *parameters = (word.strip() for word in part.split(";"))
        if any(map(NOT_AT_ALL.fullmatch, parameters)):
            continue
        if media == NDJSON:
            return NDJSON
        if media in (SSE, "text/*", "*/*", ""):
            return SSE
    raise NotAcceptable(f"the answer is {SSE} or {NDJSON}, the client accepts {wanted[:200]!r}")


def last_event_id(connection: HTTPConnection) -> int:
    given = connection.headers.get("last-event-id", "0")
    if not given.isdecimal() or len(given) > LONGEST_ID:
        raise InvalidRequest(f"Last-Event-ID is {given[:40]!r}, wanted is the id of a sentence event, a number")
    return int(given)


def session_id(request: Request) -> str:
    return _in_a_key("session_id", request.path_params["id"])


def forgotten_task(request: Request) -> str | None:
    """The task of the query, which need not be loaded; None: it names none."""
    task = request.query_params.get("task")
    return None if task is None else _in_a_key("task", task)


def _in_a_key(field: str, name: str) -> str:
    """The name, as it may be part of a key in Redis."""
    try:
        return NAME.validate_python(name)
    except ValidationError:
        raise InvalidRequest(
            f"{field} is {name[:80]!r}, wanted are 1 to 128 of the letters, digits and signs A-Z a-z 0-9 _ . ~ -, "
            "but neither . nor .., which are steps in a path",
            field=field,
        ) from None
