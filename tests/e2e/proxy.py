"""A proxy with faults: connections that break where a test wants it, and a service that seems to be busy.

client --> Proxy --bytes, until the fault of this connection--> service
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final

MARK: Final = b"event: sentence"
ANSWER: Final = b"HTTP/1.1 200 "
BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: application/json\r\n"
    b'Content-Length: 53\r\nConnection: close\r\n\r\n{"error": {"code": "overloaded", "message": "later"}}\n'
)


@dataclass(frozen=True)
class Cut:
    """Breaks the connection within the sentence event after `after` others; 0: before any byte of the answer."""

    after: int


@dataclass(frozen=True)
class Hush:
    """Passes on so many answers, and then nothing any more: the service seems to take its time."""

    after: int


@dataclass
class Proxy:
    """`faults[n]` is the n-th connection's: a Cut, a Hush, bytes to answer instead of the service, or None; `times` is
    when each came."""

    port: int
    faults: Sequence[Cut | Hush | bytes | None]
    requests: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def __enter__(self) -> Proxy:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                number = len(self.requests)
                self.requests.append(b"")
                self.times.append(time.monotonic())
                fault = self.faults[number] if number < len(self.faults) else None
                threading.Thread(target=self._serve, args=(near, number, fault), daemon=True).start()

    def _serve(self, near: socket.socket, number: int, fault: Cut | Hush | bytes | None) -> None:
        if isinstance(fault, bytes):
            with near:
                self.requests[number] = near.recv(65536)
                near.sendall(fault)
                near.shutdown(socket.SHUT_WR)
                while near.recv(65536):  # closed with something unread, the answer would be lost, too
                    pass
            return
        with near, socket.create_connection(("127.0.0.1", self.port)) as far:
            up = threading.Thread(target=self._up, args=(near, far, number), daemon=True)
            up.start()
            _down(far, near, fault)
            for end in (near, far):  # shut down, the other thread leaves its recv
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            up.join()

    def _up(self, near: socket.socket, far: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                self.requests[number] += data
                far.sendall(data)


def _down(far: socket.socket, near: socket.socket, fault: Cut | Hush | None) -> None:
    cut = fault if isinstance(fault, Cut) else None
    events = answers = 0
    with contextlib.suppress(OSError):
        while data := far.recv(65536):
            answers += data.startswith(ANSWER)
            if isinstance(fault, Hush) and answers > fault.after:
                continue
            # The service asks for two seconds between connections; tests have no use for them.
            data = data.replace(b"retry: 2000", b"retry: 0020")
            pieces = data.split(MARK)
            if cut is not None and events + len(pieces) - 1 > cut.after:
                near.sendall(MARK.join(pieces[: cut.after - events + 1]) + MARK)
                return
            if cut is not None and cut.after == 0:
                return
            events += len(pieces) - 1
            near.sendall(data)
