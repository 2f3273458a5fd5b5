"""The service as its users start it, on one core, so that what is measured is that core.

Server(core) --`python -m service`--> ready --> url, worker (its process) --> stopped at the end
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
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psutil

ROOT: Final = Path(__file__).parent.parent
PATIENCE: Final = 60.0


class Server:
    """A service with one worker, pinned to `core` with all that belongs to it (its Redis, too); a context manager."""

    def __init__(self, core: int, environment: Mapping[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        cleared = {name: value for name, value in os.environ.items() if not name.startswith(("UNDERTONE_", "REDIS_"))}
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {core})  # is inherited, which is the only way that reaches every thread
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", "--port", str(self.port)],
                cwd=ROOT,
                env={**cleared, "XDG_CACHE_HOME": self._folder.name, **environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, cores)

    def __enter__(self) -> Server:
        until = time.monotonic() + PATIENCE
        while not self._ready():
            if time.monotonic() > until or self._process.poll() is not None:
                self.__exit__()
                raise RuntimeError("the service did not get ready: start `python -m service` by hand and look")
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE)
        self._folder.cleanup()

    def _ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False

    @property
    def worker(self) -> psutil.Process:
        """The process that scores."""
        return self._child("_bentoml_impl.worker.service")

    @property
    def redis(self) -> psutil.Process:
        """The service's own store; its address is in the worker's environment."""
        return self._child("valkey-server")

    def _child(self, words: str) -> psutil.Process:
        family = psutil.Process(self._process.pid).children(recursive=True)
        return next(process for process in family if words in " ".join(process.cmdline()))
