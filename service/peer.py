"""Whether the client at the other end of a connection is still there, behind all that it has sent.

    its end, or a reset --kernel--> Peer.gone --> who writes to it stops

Where enough waits already nothing more is read, and reading no longer tells: a client's end comes after its bytes.
"""

from __future__ import annotations

import select

from starlette.types import Receive


class Peer:
    """The client of the connection that `receive` belongs to."""

    def __init__(self, receive: Receive) -> None:
        # ASGI shows no connection, but uvicorn's `receive` is a method of what holds it. A test without a server has
        # none, and its client is never gone.
        self._transport = getattr(getattr(receive, "__self__", None), "transport", None)

    def gone(self) -> bool:
        """It has closed its end, or the connection is closing here."""
        if self._transport is None:
            return False
        if self._transport.is_closing():
            return True
        ends = select.poll()
        ends.register(self._transport.get_extra_info("socket"), select.POLLRDHUP)
        return bool(ends.poll(0))
