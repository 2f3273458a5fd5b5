"""A loop whose time passes only while nothing else can be done, and then at once: pauses of a test cost nothing, and a
busy machine makes none of them longer.

    ticking(coroutine) --asyncio.run--> its result; for what waits for nothing but its own tasks and their timers
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Ticking(asyncio.SelectorEventLoop):
    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def ticking(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=Ticking) as runner:
        return runner.run(work)
