"""Logs as JSON, a line each, with the request's id; never a text, a state, a key or a session's id.

    a record --Lines----------------.
    the end of a request --Journal--+--> {"time": …, "level": …, "message": …, "request_id": …}

An exception's own words are left out, because they may quote what came in: its type, and where it was raised, are not.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any, Final

from pydantic_core import to_json

from service import phases
from service.later import Later
from service.phases import Phases

OTHERS: Final = ("bentoml", "uvicorn", "uvicorn.error", "circus")
"""Loggers with handlers of their own, as BentoML configures them."""


class Journal:
    """A line for each request that has ended. They are written together, past `logging`: with it a line would cost
    a tenth of what a short text does."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._later = Later(self._write)
        self.write = self._later.now

    def request(self, route: str, method: str, status: int | None, error: str | None, request: Phases) -> None:
        """Times are milliseconds."""
        line: dict[str, Any] = {
            "time": _time(time()),
            "level": "info",
            "logger": "service.requests",
            "message": "request",
            "request_id": request.request_id,
            "route": route,
            "method": method,
            "status": status,
            "ms": round((perf_counter() - request.began) * 1000, 3),
        }
        if error is not None:
            line["error"] = error
        line["phases"] = {phase: round(seconds * 1000, 3) for phase, seconds in request.seconds.items()}
        self._lines.append(to_json(line))
        self._later.touch()

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        sys.stdout.write("".join(line.decode() + "\n" for line in lines))
        sys.stdout.flush()


class Lines(logging.Formatter):
    """Everything else that is logged."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if (request := phases.current()) is not None:
            line["request_id"] = request.request_id
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


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


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
