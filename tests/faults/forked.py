"""Workers that are back a moment after they were killed: forked from a process that has imported everything.

    python -m tests.faults.forked --fork--> workers (uvicorn with the service's own application) --ready--> a pipe
                                  ^-- every EVERY seconds: SIGKILL of the one that has served longest, fork again

BentoML's supervisor starts a Python anew for every worker, which takes seconds of a processor, so with it
alone workers cannot be killed every few hundred milliseconds for long. All but the supervisor is the same.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

import psutil

from tests.e2e.server import WHO, Service

EVERY: Final = 0.3
"""Seconds from one kill to the next."""
SPARE: Final = 2
"""Workers that serve on whenever one is killed."""


class Forked(Service):
    """A service of `workers` such workers."""

    def __init__(self, folder: Path, environment: Mapping[str, str], workers: int) -> None:
        command = (sys.executable, "-m", "tests.faults.forked", "--port", "{port}", "--workers", str(workers))
        super().__init__(folder, environment, command)

    def workers(self) -> set[int]:
        return {process.pid for process in self.family()[1:] if process.status() != psutil.STATUS_ZOMBIE}

    @contextlib.contextmanager
    def killing(self) -> Iterator[list[float]]:
        """Meanwhile workers are killed; afterwards the list says when each was."""
        moments: list[float] = []
        self.process.send_signal(signal.SIGUSR1)
        yield moments
        self.process.send_signal(signal.SIGUSR1)
        moments += map(float, re.findall(r"killed at ([\d.]+)", self.log.read_text()))


class Nursery:
    """The parent: `ready` are the workers that serve, those that have served longest first."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self.ready: list[int] = []
        self.killing = False

    def toggle(self, *_: object) -> None:
        self.killing = not self.killing

    def fork(self) -> None:
        if os.fork() == 0:
            try:
                self._serve()
            finally:
                os._exit(0)

    def _serve(self) -> None:
        import uvicorn

        from service.app import Undertone

        class Server(uvicorn.Server):
            async def startup(server, sockets: Any = None) -> None:  # noqa: N805 - self is the nursery
                await super().startup(sockets)
                os.write(self._writing, b"%d " % os.getpid())

        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        with socket.socket() as listening:
            # Each has a socket of its own: of one that all share, the first that wakes takes nearly everything.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", self._port))
            names = [(WHO, str(os.getpid()))]
            config = uvicorn.Config(cast(Any, Undertone).to_asgi(), log_level="warning", headers=names)
            Server(config).run(sockets=[listening])

    def look(self) -> None:
        """Who has become ready; and another worker for each that has died."""
        with contextlib.suppress(BlockingIOError):
            self.ready += map(int, os.read(self._reading, 4096).split())
        with contextlib.suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self.ready = [other for other in self.ready if other != pid]
                self.fork()

    def kill(self) -> None:
        os.kill(self.ready.pop(0), signal.SIGKILL)
        print(f"killed at {time.monotonic():.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.forked")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # before it is imported
        import service.app  # noqa: F401 - so that no worker has to

        nursery = Nursery(arguments.port)
        signal.signal(signal.SIGUSR1, nursery.toggle)
        for _ in range(arguments.workers):
            nursery.fork()
        due = 0.0
        while True:
            time.sleep(0.01)
            nursery.look()
            if nursery.killing and len(nursery.ready) > SPARE and time.monotonic() >= due:
                nursery.kill()
                due = time.monotonic() + EVERY


if __name__ == "__main__":
    main()
