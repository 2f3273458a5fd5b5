"""The description of the API that machines read (/docs.json) and people click (/docs).

wire models --JSON schema--> components     the table below --> paths     both --> OpenAPI 3.1
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from models.errors import UndertoneError
from service import wire
from service.errors import Retry
from service.outcomes import ANSWERS
from service.serving import RACES
from service.settings import NAME, Settings

ASSETS: Final = ("swagger-ui.css", "swagger-ui-bundle.js")
START: Final = "start.js"
SCRIPT: Final = 'SwaggerUIBundle({url: "/docs.json", dom_id: "#docs", deepLinking: true, tryItOutEnabled: true})'
PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Undertone: the API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""

_MODELS: Final[Sequence[type[BaseModel]]] = (
    wire.PredictIn,
    wire.StreamIn,
    wire.BatchIn,
    wire.Prediction,
    wire.BatchOut,
    wire.StreamedSentence,
    wire.ProvisionalSentence,
    wire.Done,
    wire.TextFrame,
    wire.EndFrame,
    wire.ErrorOut,
    wire.ModelsOut,
    wire.SessionState,
    wire.StatusOut,
)
_QUERY: Final = {
    "task": ("string", "`spam` or `sentiment`.", True),
    "model": ("string", "A name or digest.", False),
    "threshold": ("string", 'A number, or "fpr:0.001".', False),
    "session_id": ("string", "Makes the conversation go on.", False),
    "step": ("integer", "Sentences that the session holds already.", False),
    "stop_at": ("number", "Above 0.5 and below 1: where an early decision ends the stream.", False),
}
_LIMITS: Final = {
    "UNDERTONE_IDLE": (Settings.idle, "seconds that it waits for its client, to send or to read"),
    "UNDERTONE_MAX_STREAM": (Settings.max_stream, "code points of a text that comes piece by piece"),
    "UNDERTONE_MAX_BODY": (Settings.max_body, "bytes of a body that is JSON or a mail"),
    "UNDERTONE_MAX_TEXT": (Settings.max_text, "code points of a text in it, and of any without a letter or a digit"),
    "UNDERTONE_MAX_FRAME": (Settings.max_frame, "code points of a WebSocket's frame"),
    "UNDERTONE_FRAME_RATE": (
        Settings.frame_rate,
        "frames a second that are read of a WebSocket; more wait, and so does who sends them",
    ),
}
"""Of a stream: the setting, its default and what it bounds."""
RACE: Final = (
    f"Of requests that write one session at the same time, one that others overtake {RACES} times in a row gets 409 "
    "`conflict`: nothing of it was stored, send it again."
)
STREAM: Final = """\
One `sentence` event (StreamedSentence) per sentence, then one `done` (Done) or `error` (ErrorOut). The text comes as
JSON, as a text/plain body that may still be being written, or as a mail; in these two the parameters are in the query.

The answer is Server-Sent Events, with a comment as heartbeat every 15 s; or JSON lines, where the heartbeat is
`{"event": "heartbeat"}`: skip events that you do not know. A stream that waits for its client longer than
`UNDERTONE_IDLE` is ended by an `error`, `idle`. A client that goes away stops the work: its session then holds at least
the last event that it has seen, and at most the turn (64 sentences) that was under way.

**WebSocket.** `WS /v1/stream` takes the same query. Send `{"text": "…"}` (TextFrame) as it is typed, cut anywhere, and
`{"end": true}` (EndFrame). Each event is a frame, a JSON line as above; in pauses, at most ten times a second, a
`provisional` one (ProvisionalSentence, `"final": false`, without `id`) says what would be said if the text ended here.
An empty text keeps the connection. A page sends its API key as the subprotocols `["bearer", KEY]`. Who may not call
gets 401, 403 or 429 instead of the handshake. A close frame counts in its place, behind the frames that were sent
before it; a connection that ends, at once.

| close code | what it means |
|---|---|
| 1000 | `done` was sent |
| 4000 + a status | an `error` event was sent, which has this status over HTTP: 4400 a query or frame that is wrong, \
4404 no such session, 4408 idle, 4409 a session's step or model, 4413 a frame or the text too large, 4503 try again \
(with `shutting_down`: the service stops, and this stream has had its `UNDERTONE_GRACE`; in a session, go on with the \
last event's id as `step`) |
| 1009 | a frame of more bytes than four for each code point that `UNDERTONE_MAX_FRAME` allows |
| 1011 | something broke here, or the client answers no pings, which come every 20 s |

The limits of a stream, each a setting of the service. Beyond one comes an `error` that names it and the number that
holds there; too many frames only wait.

| limit | default | what it bounds |
|---|---|---|
""" + "".join(f"| `{name}` | {default:,.0f} | {what} |\n" for name, (default, what) in _LIMITS.items())


def asset(name: str) -> Path:
    """Swagger UI as BentoML carries it; `name` is one of ASSETS."""
    from bentoml._internal import server

    return Path(server.__file__).parent / "static_content" / name


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of version 1 of the API."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Undertone",
            "version": "1",
            "description": "Spam and sentiment, one running probability after every sentence.",
        },
        "paths": _paths(),
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def _paths() -> dict[str, Any]:
    session_id = {
        "name": "id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": NAME},
    }
    paths = {
        "/v1/predict": {"post": _predict()},
        "/v1/predict_batch": {
            "post": _operation("Score many texts; a bad one does not fail the others", wire.BatchOut, body=wire.BatchIn)
        },
        "/v1/stream": {"post": _stream()},
        "/v1/sessions": {
            "delete": {
                "summary": "Forget all sessions of the caller, of every task",
                "responses": {"204": {"description": "Those that were there are gone."}, **_errors()},
            },
        },
        "/v1/sessions/{id}": {
            "get": _operation("What is stored of a session", wire.SessionState, [session_id, _parameter("task")]),
            "delete": {
                "summary": "Forget a session; without task, for every task that is loaded",
                "description": "A task may be named whose models are no longer loaded.",
                "parameters": [session_id, _parameter("task", required=False)],
                "responses": {"204": {"description": "It is not there any more."}, **_errors()},
            },
        },
        "/v1/models": {"get": _operation("What is loaded", wire.ModelsOut)},
        "/v1/models/{model}/card": {"get": _card()},
        "/v1/status": {"get": _operation("What is degraded, and why", wire.StatusOut)},
    }
    for path, methods in paths.items():
        for method, operation in methods.items():
            operation["operationId"] = "_".join(re.findall(r"\w+", f"{method}{path}"))
            operation["responses"] |= _refusals(ANSWERS[path, method.upper()].errors)
    return paths


def _operation(
    summary: str,
    answer: type[BaseModel],
    parameters: Sequence[dict[str, Any]] = (),
    body: type[BaseModel] | None = None,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "The answer.", "content": _json(answer)}, **_errors()},
    }
    if parameters:
        said["parameters"] = list(parameters)
    if body is not None:
        said["requestBody"] = {"required": True, "content": _json(body)}
    return said


def _predict() -> dict[str, Any]:
    said = _operation("Score one text, or one mail", wire.Prediction, body=wire.PredictIn)
    said["description"] = f"A mail may also be the body itself; then the parameters are in the query. {RACE}"
    said["parameters"] = [_parameter(name, required=False) for name in _QUERY if name in wire.PredictIn.model_fields]
    said["requestBody"]["content"] |= _mail()
    return said


def _stream() -> dict[str, Any]:
    said = _operation("Score a text while it is written", wire.Done, body=wire.StreamIn)
    said["description"] = f"{STREAM}\n{RACE} So it is with a stream of which nothing was seen yet."
    said["parameters"] = [_parameter(name, required=False) for name in _QUERY]
    said["requestBody"]["content"] |= {"text/plain": {"schema": {"type": "string"}}} | _mail()
    lines = {"schema": {"oneOf": [_reference(m) for m in (wire.StreamedSentence, wire.Done, wire.ErrorOut)]}}
    said["responses"]["200"]["content"] = {"text/event-stream": lines, "application/x-ndjson": lines}
    return said


def _card() -> dict[str, Any]:
    named = {"name": "model", "in": "path", "required": True, "description": "A name or digest."}
    markdown = {"text/markdown": {"schema": {"type": "string"}}}
    return {
        "summary": "The card of a model: figures, calibration, thresholds, data, limits",
        "parameters": [named | {"schema": {"type": "string"}}],
        "responses": {"200": {"description": "Markdown.", "content": markdown}, **_errors()},
    }


def _mail() -> dict[str, Any]:
    message = {"description": "An RFC 5322 message, as it came.", "type": "string", "format": "binary"}
    return {"message/rfc822": {"schema": message, "example": wire.MAIL.decode()}}


def _parameter(name: str, required: bool | None = None) -> dict[str, Any]:
    kind, description, always = _QUERY[name]
    needed = always if required is None else required
    return {"name": name, "in": "query", "required": needed, "description": description, "schema": {"type": kind}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": _reference(model)}}


def _refusals(kinds: Sequence[type[UndertoneError]]) -> dict[str, Any]:
    """The errors by their status."""
    found: dict[str, Any] = {}
    for kind in sorted(set(kinds), key=lambda kind: (kind.status, kind.code)):
        status = found.setdefault(str(kind.status), {"content": _json(wire.ErrorOut)})
        status["description"] = ", ".join(filter(None, (status.get("description"), f"`{kind.code}`")))
        if issubclass(kind, Retry):
            after = {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
            status["headers"] = {"Retry-After": after}
    return found


def _errors() -> dict[str, Any]:
    return {"default": {"description": "An error, in its one shape.", "content": _json(wire.ErrorOut)}}
