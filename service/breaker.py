"""A circuit breaker in front of Redis: while it is open, what needs the store is refused at once.

    closed --FAILURES in a row, of reads or of writes--> open --a probe that writes, every PAUSE--> closed

Reads and writes are counted apart: a Redis that is full or read-only still answers every read, and that
must not hide that it takes no write. No request ever waits for a probe (Nygard, Release It!, 2007).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal

from service.errors import StoreUnavailable

logger = logging.getLogger(__name__)

Kind = Literal["read", "write"]
FAILURES: Final = 5
PAUSE: Final = 0.5
"""Seconds between two probes."""


class Breaker:
    """`probe` raises StoreUnavailable while the store is away; `told` hears of every change (True: it is open now)."""

    def __init__(self, probe: Callable[[], Awaitable[None]], told: Callable[[bool], None]) -> None:
        self._probe = probe
        self._told = told
        self._failures: dict[Kind, int] = {"read": 0, "write": 0}
        self._healing: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        return self._healing is not None

    def admit(self) -> None:
        """Raises StoreUnavailable while it is open."""
        if self.open:
            raise StoreUnavailable(
                "the session store has failed several times in a row and is left alone until it answers again, and "
                "nothing was stored: try again in a second with the same step, or send the text without session_id"
            )

    def succeeded(self, kind: Kind) -> None:
        self._failures[kind] = 0

    def failed(self, kind: Kind, reason: str) -> None:
        self._failures[kind] += 1
        if self._failures[kind] >= FAILURES and not self.open:
            logger.warning("Redis is given up for now, after %d failures in a row: %s", FAILURES, reason)
            self._healing = asyncio.create_task(self._heal())
            self._told(True)

    async def _heal(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self._probe()
            except StoreUnavailable:
                continue
            break
        logger.warning("Redis takes writes again")
        self._failures = {"read": 0, "write": 0}
        self._healing = None
        self._told(False)

    async def close(self) -> None:
        if self._healing is not None:
            self._healing.cancel()
            await asyncio.gather(self._healing, return_exceptions=True)
