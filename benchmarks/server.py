"""A server as its users start it, on one core, so that what is measured is that core.

Server(core, command) --started--> ready --> port, cpu() of all its processes --> stopped at the end
                                             alone() while it is measured
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).parent.parent
PATIENCE: Final = 300.0
ENDING: Final = 20.0
"""Seconds that a server has for its end, after which its processes are killed."""
SERVICE: Final = ("-m", "service", "--port", "{port}")


class Server:
    """`python COMMAND`, with one worker, pinned to `core` with all that belongs to it (its Redis, too); a context
    manager. "{port}" in the command is a free port, and `ready` the path that answers once it serves."""

    def __init__(
        self, core: int, environment: Mapping[str, str], command: Sequence[str] = SERVICE, ready: str = "/readyz"
    ) -> None:
        # Held to the end, so that nobody else is given the port: Linux lets a server bind where nobody listens.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self._ready_path = ready
        self._command = " ".join(command).format(port=self.port)
        self._folder = tempfile.TemporaryDirectory()
        cleared = {name: value for name, value in os.environ.items() if not name.startswith(("UNDERTONE_", "REDIS_"))}
        home = dict.fromkeys(("XDG_CACHE_HOME", "BENTOML_HOME"), self._folder.name)
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # is inherited, which is the only way that reaches every thread
        self._began = time.monotonic()
        try:
            self._process = subprocess.Popen(
                [sys.executable, *self._command.split()],
                cwd=ROOT,
                env={**cleared, "OMP_NUM_THREADS": "1", "BENTOML_DO_NOT_TRACK": "True", **home, **environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, cores)

    def __enter__(self) -> Server:
        until = self._began + PATIENCE
        while not self._ready():
            if time.monotonic() > until or self._process.poll() is not None:
                self.__exit__()
                raise RuntimeError(f"`python {self._command}` did not get ready: start it by hand and look")
            time.sleep(0.02)
        self.started = time.monotonic() - self._began
        """Seconds from its start to its first answer."""
        return self

    def __exit__(self, *_: object) -> None:
        family = self._family() if self._process.poll() is None else []
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.resume()  # it may have been stopped in the middle of a measurement of another
        if family:
            os.killpg(self._process.pid, signal.SIGTERM)
        for process in psutil.wait_procs(family, ENDING)[1]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(PATIENCE)
        self._held.close()
        self._folder.cleanup()

    def _ready(self) -> bool:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", self._ready_path)
                return connection.getresponse().status == http.HTTPStatus.OK
            except OSError:
                return False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def worker(self) -> psutil.Process:
        """The process that scores."""
        return self._child("_bentoml_impl.worker.service")

    @property
    def redis(self) -> psutil.Process:
        """The service's own store; its address is in the worker's environment."""
        return self._child("valkey-server")

    def _child(self, words: str) -> psutil.Process:
        return next(process for process in self._family() if words in " ".join(process.cmdline()))

    def cpu(self) -> float:
        """Seconds of processor time that all its processes have taken."""
        return sum(map(seconds, self._family()))

    def resident(self) -> int:
        """Bytes of memory that all its processes hold."""
        return sum(process.memory_info().rss for process in self._family())

    @contextmanager
    def alone(self, others: Iterable[Server]) -> Iterator[None]:
        """The other ones stand still meanwhile: some are busy even when nobody asks them for anything."""
        still = [process for server in others if server is not self for process in server._family()]
        for process in still:
            process.suspend()
        try:
            yield
        finally:
            for process in still:
                process.resume()

    def _family(self) -> list[psutil.Process]:
        first = psutil.Process(self._process.pid)
        return [first, *first.children(recursive=True)]


def seconds(process: psutil.Process) -> float:
    """Of processor time that a process has taken, in steps far below a tick; 0 once it is gone."""
    with suppress(OSError):
        return time.clock_gettime((~process.pid << 3) | 2)  # its CPU clock, as clock_getcpuclockid(3) makes it
    return 0.0
