"""What uvicorn is told and taught beyond what BentoML tells it, in each worker before it starts.

Settings --options--> uvicorn.Config --> every WebSocket's frames, before the application sees one
SIGTERM --> answers that are being written, to WebSockets, too, end by themselves
            `-- after `grace` s --cancelled--> their clients are told: shutting_down

A frame is measured when it is there as text. Of compressed ones so many come in one read of a socket that a thousand
times its size was held before anybody could count; so frames come as they are, and no larger than one may be. At its
end uvicorn by itself closes every WebSocket at once, and waits for all other answers as long as they take.
"""

from __future__ import annotations

import functools
import socket
from typing import Any, Final

import uvicorn
from uvicorn.protocols.websockets import auto
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from service.settings import Settings

BYTES: Final = 4
"""Of a code point in UTF-8, at most."""


def options(settings: Settings) -> dict[str, Any]:
    """Of uvicorn.Config."""
    return {"ws_per_message_deflate": False, "ws_max_size": BYTES * settings.max_frame}


def teach(settings: Settings) -> None:
    """BentoML has no way to hand options on, and uvicorn none to let WebSockets end by themselves."""

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            self.config.timeout_graceful_shutdown = settings.grace
            await super().shutdown(sockets)

    class Protocol(WebSocketsSansIOProtocol):
        def shutdown(self) -> None:
            if self.close_sent or not self.handshake_complete:
                super().shutdown()

    uvicorn.Config = functools.partial(uvicorn.Config, **options(settings))  # type: ignore[misc,assignment]
    uvicorn.Server = Server  # type: ignore[misc]
    auto.AutoWebSocketsProtocol = Protocol
