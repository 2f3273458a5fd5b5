"""Redis itself, as Debian ships it, on a free port of loopback.

RedisServer(folder, options) --start--> url, client --kill, start--> ... --stop--> nothing left
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.e2e.server import free_port

READY_SECONDS: Final = 60.0
AT_ONCE: Final = {"appendonly": "yes", "appendfsync": "no"}
"""In its file before it is answered, which outlives the process: such a server may be killed and forgets nothing. It
does not wait for the disk, which now and then takes longer than the service waits for Redis."""


class RedisServer:
    """Debian's redis-server with a password; `options` as redis.conf names them."""

    def __init__(self, folder: Path, password: str | None = None, **options: str) -> None:
        self.port = free_port()
        self.password = password or secrets.token_hex(8)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        said = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(folder), "save": "", "logfile": "redis.log"}
        said |= {"requirepass": self.password, "masterauth": self.password, "enable-debug-command": "yes"}
        said |= {name.replace("_", "-"): value for name, value in options.items()}
        self._arguments = [part for name, value in said.items() for part in (f"--{name}", value)]
        self.client = redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=READY_SECONDS)
        self.start()

    def start(self) -> None:
        # Its own session: Ctrl-C is for whoever has started it.
        command = ["redis-server", *self._arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            try:
                self.client.ping()
            except (redis.ConnectionError, redis.TimeoutError):
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("redis-server did not start")

    def ask(self, *words: str | int) -> Any:
        return self.client.execute_command(*words)  # type: ignore[no-untyped-call]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.kill()

    @contextlib.contextmanager
    def dead(self) -> Iterator[None]:
        self.kill()
        yield
        self.start()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It takes connections and says nothing."""
        os.kill(self.process.pid, signal.SIGSTOP)
        yield
        os.kill(self.process.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def paused(self, seconds: float = 4) -> Iterator[None]:
        """At least as long as that: a pause of all commands holds up the one that would end it, too."""
        self.ask("CLIENT", "PAUSE", str(int(seconds * 1000)), "ALL")
        yield
        self.client.set("paused", "no more")

    @contextlib.contextmanager
    def configured(self, name: str, value: str) -> Iterator[None]:
        before = str(self.client.config_get(name)[name])
        self.client.config_set(name, value)
        yield
        self.client.config_set(name, before)

    def full(self) -> contextlib.AbstractContextManager[None]:
        """Over its maxmemory, with nothing that it may evict."""
        return self.configured("maxmemory", "1")

    @contextlib.contextmanager
    def read_only(self) -> Iterator[None]:
        """As one that has failed over and is a replica now, of a server that is not there."""
        self.client.config_set("replica-read-only", "yes")
        self.ask("REPLICAOF", "127.0.0.1", str(free_port()))
        yield
        self.ask("REPLICAOF", "NO", "ONE")

    @contextlib.contextmanager
    def another_password(self) -> Iterator[None]:
        self.client.config_set("requirepass", "another")
        self.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        yield
        with redis.Redis(port=self.port, password="another") as client:
            client.config_set("requirepass", self.password)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """Asleep for a second, again and again."""
        with subprocess.Popen(
            ["redis-cli", "-p", str(self.port), "-r", "-1", "DEBUG", "SLEEP", "1"],
            env={**os.environ, "REDISCLI_AUTH": self.password},
            stdout=subprocess.DEVNULL,
        ) as sleeper:
            time.sleep(0.3)
            yield
            sleeper.kill()
