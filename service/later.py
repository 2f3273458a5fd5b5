"""Work that many ask for and that is done once for all of them, soon.

touch, touch, touch --SECONDS after the first--> work
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

SECONDS: Final = 0.1


class Later:
    """Does `work` in the event loop of who asks first."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._due: asyncio.TimerHandle | None = None

    def touch(self) -> None:
        """It is done SECONDS from now at the latest."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(SECONDS, self.now)

    def now(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._work()
