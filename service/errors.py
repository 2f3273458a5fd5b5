"""Every error that an answer can carry, in the order in which a request is checked.

UndertoneError (models/errors.py)
├── NotFound             404 not_found             ├── InvalidRequest     400 invalid_request (models/errors.py)
├── MethodNotAllowed     405 method_not_allowed    ├── UnknownTask        400 unknown_task
├── BodyTooLarge         413 body_too_large        ├── UnknownModel       400 unknown_model
├── Unauthorized         401 unauthorized          ├── EmptyText          400 empty_text
├── Forbidden            403 forbidden             ├── TextTooLong        413 text_too_long
├── RateLimited          429 rate_limited          ├── BatchTooLarge      413 batch_too_large
├── UnsupportedMedia     415 unsupported_media     ├── Overloaded         503 overloaded
├── NotAcceptable        406 not_acceptable        ├── StoreUnavailable   503 store_unavailable
├── InvalidJSON          400 invalid_json          ├── SessionNotFound    404 session_not_found
├── Conflict             409 conflict              ├── WrongStep          409 wrong_step
├── StateUnreadable      409 state_unreadable      ├── ModelChanged       409 model_changed
├── FrameTooLarge        413 frame_too_large       ├── Idle               408 idle
├── Timeout              504 timeout               └── ShuttingDown       503 shutting_down
(anything else is 500 internal, and says no more)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from models.errors import InvalidRequest as InvalidRequest
from models.errors import UndertoneError


class NotFound(UndertoneError):
    code, status = "not_found", 404


class MethodNotAllowed(UndertoneError):
    """`methods` are those that the path takes."""

    code, status = "method_not_allowed", 405

    def __init__(self, message: str, methods: Sequence[str]) -> None:
        super().__init__(message)
        self.methods = methods


class BodyTooLarge(UndertoneError):
    code, status = "body_too_large", 413


class Unauthorized(UndertoneError):
    code, status = "unauthorized", 401


class Forbidden(UndertoneError):
    code, status = "forbidden", 403


class UnsupportedMedia(UndertoneError):
    code, status = "unsupported_media", 415


class NotAcceptable(UndertoneError):
    code, status = "not_acceptable", 406


class InvalidJSON(UndertoneError):
    code, status = "invalid_json", 400

    @classmethod
    def half(cls, what: str, character: str) -> InvalidJSON:
        """Of a lone surrogate."""
        return cls(
            f"{what} holds half a character, {ascii(character)[1:-1]}, as an emoji leaves that was cut in two: cut "
            "between whole characters, or put \\ufffd in its place; nothing of it was scored"
        )


class UnknownTask(UndertoneError):
    code, status = "unknown_task", 400


class UnknownModel(UndertoneError):
    code, status = "unknown_model", 400


class EmptyText(UndertoneError):
    code, status = "empty_text", 400


class TextTooLong(UndertoneError):
    code, status = "text_too_long", 413


class BatchTooLarge(UndertoneError):
    code, status = "batch_too_large", 413


class FrameTooLarge(UndertoneError):
    code, status = "frame_too_large", 413


class Retry(UndertoneError):
    """An error that goes away: it carries Retry-After, in seconds."""

    retry_after = 1


class RateLimited(Retry):
    code, status = "rate_limited", 429

    def __init__(self, message: str, limit: float, retry_after: int) -> None:
        super().__init__(message, limit=limit)
        self.retry_after = retry_after


class Overloaded(Retry):
    code, status = "overloaded", 503


class StoreUnavailable(Retry):
    code, status = "store_unavailable", 503


class ShuttingDown(Retry):
    code, status = "shutting_down", 503


class SessionNotFound(UndertoneError):
    code, status = "session_not_found", 404


class Conflict(UndertoneError):
    """`expected_step`, where it is known, is how many sentences the session holds."""

    code, status = "conflict", 409

    def __init__(self, message: str, field: str, expected_step: int | None = None) -> None:
        super().__init__(message, field=field)
        self.expected_step = expected_step


class StateUnreadable(UndertoneError):
    code, status = "state_unreadable", 409


class ModelChanged(UndertoneError):
    code, status = "model_changed", 409


class WrongStep(UndertoneError):
    """`expected_step` is how many sentences the session holds."""

    code, status = "wrong_step", 409

    def __init__(self, message: str, expected_step: int, value: int) -> None:
        super().__init__(message, field="step", value=value)
        self.expected_step = expected_step


class Timeout(UndertoneError):
    code, status = "timeout", 504


class Idle(UndertoneError):
    code, status = "idle", 408


def body(error: UndertoneError) -> dict[str, Any]:
    """The one shape of an error: {"error": {"code", "message", "field"?, "limit"?, "value"?}}."""
    detail: dict[str, Any] = {"code": error.code, "message": error.message}
    for name in ("field", "limit", "value", "expected_step"):
        value = getattr(error, name, None)
        if value is not None:
            detail[name] = value
    return {"error": detail}


def headers(error: UndertoneError) -> dict[str, str]:
    """Retry-After where the error goes away by itself, WWW-Authenticate where a key is wanted, Allow with a 405."""
    if isinstance(error, Retry):
        return {"retry-after": str(error.retry_after)}
    if isinstance(error, Unauthorized):
        return {"www-authenticate": "Bearer"}
    if isinstance(error, MethodNotAllowed):
        return {"allow": ", ".join(error.methods)}
    return {}
