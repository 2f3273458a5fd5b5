"""What has come of a text and has not been read yet: next to nothing, so that a slow reader slows the sender.

    wire --put, end, fail--> Inbox (WAITING pieces) --pieces--> str, str, None (nothing came for a while), …

Who puts waits until there is room, and meanwhile reads nothing from the wire: TCP does the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from models.errors import UndertoneError
from service.errors import Idle

Pieces = AsyncGenerator[str | None]
"""A text piece by piece; None: nothing more has come for a while, so there is time to show what is unfinished."""

WAITING: Final = 1
"""Pieces that are read ahead of the scoring; one more may be in the hands of who puts."""


class Inbox:
    """Pieces of one text on their way in.

    `idle` is the seconds without a piece after which it is given up; with `pause`, a None follows a piece
    after which nothing came, at most one in so many seconds.
    """

    def __init__(self, idle: float, pause: float | None = None) -> None:
        self._idle = idle
        self._pause = pause
        self._waiting: asyncio.Queue[str | UndertoneError | None] = asyncio.Queue(WAITING)
        self._closed = False

    async def put(self, piece: str) -> None:
        """An empty piece says that there is more to come."""
        await self._put(piece)

    async def end(self) -> None:
        """There is no more to come."""
        await self._put(None)

    async def fail(self, error: UndertoneError) -> None:
        """What came is no text; who reads gets `error`."""
        await self._put(error)

    def close(self) -> None:
        """Nobody reads any more: what waits, and what still comes, is thrown away."""
        self._closed = True
        while not self._waiting.empty():
            self._waiting.get_nowait()

    async def pieces(self) -> Pieces:
        """Raises Idle, and what `fail` was given."""
        clock = asyncio.get_running_loop().time
        unseen, earliest = False, 0.0
        while True:
            wait = max(0.0, earliest - clock()) if unseen else self._idle
            try:
                async with asyncio.timeout(wait):
                    piece = await self._waiting.get()
            except TimeoutError:
                if not unseen:
                    raise self._gave_up() from None
                unseen, earliest = False, clock() + (self._pause or 0.0)
                yield None
                continue
            if piece is None:
                return
            if isinstance(piece, UndertoneError):
                raise piece
            if piece:
                unseen = self._pause is not None
                yield piece

    async def _put(self, piece: str | UndertoneError | None) -> None:
        if not self._closed:
            await self._waiting.put(piece)

    def _gave_up(self) -> Idle:
        return Idle(
            f"nothing came for {self._idle:g} s (UNDERTONE_IDLE), so the stream was ended: send the rest as a new one, "
            "which in a session goes on where this one ended",
            limit=self._idle,
        )


async def whole(text: str) -> Pieces:
    """A text that is there already."""
    yield text
