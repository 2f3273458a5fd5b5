"""What uvicorn is taught about the end of a worker, however the worker was started.

SIGTERM --> answers that are being written, to WebSockets, too, end by themselves
            `-- after `grace` s --cancelled--> their clients are told: shutting_down

By itself it closes every WebSocket at once, and waits for all other answers as long as they take.
"""

from __future__ import annotations

import socket

import uvicorn
from uvicorn.protocols.websockets import auto
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


def teach(grace: int) -> None:
    """For a worker's process, before its server is made."""

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            self.config.timeout_graceful_shutdown = grace
            await super().shutdown(sockets)

    class Protocol(WebSocketsSansIOProtocol):
        def shutdown(self) -> None:
            if self.close_sent or not self.handshake_complete:
                super().shutdown()

    uvicorn.Server = Server  # type: ignore[misc]
    auto.AutoWebSocketsProtocol = Protocol
