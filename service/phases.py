"""What one request spends its time on.

    work --spent(phase, began)--> Phases of the request that it is for --> histogram, Server-Timing, spans

The request is found through a context variable, so that a store or a batcher need not be told whose work they do;
work that belongs to no request is not looked at.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.metrics.ledger import Spread

Phase = Literal["parse", "segment", "tokenize", "queue", "model", "redis", "serialise"]
PHASES: Final[tuple[Phase, ...]] = ("parse", "segment", "tokenize", "queue", "model", "redis", "serialise")
MOST_SPANS: Final = 256
"""Of one request: a stream may go on for days."""


class Span(NamedTuple):
    """Of one phase; times are those of time.perf_counter."""

    phase: Phase
    began: float
    ended: float


class Phases:
    """Of one request, which begins now; `traced`: its spans are kept, and `traceparent` is what its caller said."""

    def __init__(
        self, request_id: str, spreads: Mapping[Phase, Spread], *, traced: bool = False, traceparent: str = ""
    ) -> None:
        self.request_id = request_id
        self.traceparent = traceparent
        self.began = perf_counter()
        self.spans: list[Span] | None = [] if traced else None
        self.seconds: dict[Phase, float] = {}
        """Time in which at least one piece of work of a phase was going on: a batch has many at once."""
        self.session: tuple[str, str | None] | None = None
        """The task of the session that the request is part of, and what became of it, once that is known."""
        self._spreads = spreads
        self._covered: dict[Phase, float] = {}

    def spent(self, phase: Phase, began: float, ended: float) -> None:
        self._spreads[phase].add(ended - began)
        since = self._covered.get(phase, began)
        if ended > since:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + ended - max(began, since)
            self._covered[phase] = ended
        if self.spans is not None and len(self.spans) < MOST_SPANS:
            self.spans.append(Span(phase, began, ended))

    def header(self) -> str:
        """Server-Timing (W3C), in milliseconds."""
        total = perf_counter() - self.began
        parts = [f"{phase};dur={seconds * 1000:.3f}" for phase, seconds in self.seconds.items()]
        return ", ".join([*parts, f"total;dur={total * 1000:.3f}"])


_current: ContextVar[Phases | None] = ContextVar("phases", default=None)


def current() -> Phases | None:
    """Of the request that is being answered; None: none is."""
    return _current.get()


def begin(phases: Phases) -> Token[Phases | None]:
    return _current.set(phases)


def end(token: Token[Phases | None]) -> None:
    _current.reset(token)


def spent(phase: Phase, began: float, ended: float | None = None) -> None:
    """Work from `began` until `ended` (now) is part of the current request."""
    if (request := _current.get()) is not None:
        request.spent(phase, began, perf_counter() if ended is None else ended)


class phase:  # noqa: N801 - reads as the statement that it is
    """`with phase("parse"): …`: what is done there, and waited for, is work of that phase."""

    __slots__ = ("_began", "_name")

    def __init__(self, name: Phase) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(self, *_: object) -> None:
        spent(self._name, self._began)


def session(task: str, event: str | None = None) -> None:
    """The current request is part of a session of `task`; `event` is what became of it."""
    if (request := _current.get()) is not None:
        request.session = (task, event)
