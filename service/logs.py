"""Logs as JSON, a line each, with the request's id; never a text, a state, a key or a session's id.

    a record, or the end of a request --Lines--> {"time": …, "level": …, "message": …, "request_id": …}

An exception's own words are left out, because they may quote what came in: its type, and where it was raised, are not.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

from service import phases

OTHERS: Final = ("bentoml", "uvicorn", "uvicorn.error", "circus")
"""Loggers with handlers of their own, as BentoML configures them."""
_requests: Final = logging.getLogger("service.requests")


class Lines(logging.Formatter):
    """`fields`, where a record has them, stand beside the message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if (request := phases.current()) is not None:
            line["request_id"] = request.request_id
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = list(_told(record.exc_info[1]))
        return to_json(line).decode()


def install() -> None:
    """For a process of the service: everything that is logged goes to standard output as Lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers = [handler]
    for name in OTHERS:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
    logging.getLogger("service").setLevel(logging.INFO)


def request(
    route: str, method: str, status: int | None, seconds: float, error: str | None, spent: phases.Phases
) -> None:
    """A line for a request that has ended; times are milliseconds."""
    fields: dict[str, Any] = {"route": route, "method": method, "status": status, "ms": round(seconds * 1000, 3)}
    if error is not None:
        fields["error"] = error
    fields["phases"] = {phase: round(took * 1000, 3) for phase, took in spent.seconds.items()}
    _requests.info("request", extra={"fields": fields})


def _message(record: logging.LogRecord) -> str:
    """asyncio writes below its first line what a task has raised, in its own words."""
    message = record.getMessage()
    return message.partition("\n")[0] if record.name == "asyncio" else message


def _told(error: BaseException | None) -> Any:
    """An exception, and those it came from, the first cause last."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = traceback.extract_tb(error.__traceback__)
        kind = type(error)
        yield {
            "type": f"{kind.__module__}.{kind.__qualname__}",
            "frames": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
