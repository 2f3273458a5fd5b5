"""A server of our own: nobody else can reach it, and it does not outlive us."""

from __future__ import annotations

import base64
import ctypes
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service import embedded
from service.embedded import EmbeddedRedis
from service.parent import die_with
from service.settings import Settings
from tests.waiting import eventually


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis()
    yield server
    server.stop()


def answers(socket: Path) -> bool:
    try:
        with redis.Redis(unix_socket_path=str(socket), retry=Retry(NoBackoff(), 0)) as client:
            return bool(client.ping())
    except (redis.ConnectionError, OSError):
        return False


def test_it_listens_in_a_folder_of_ours_and_nowhere_else(server: EmbeddedRedis) -> None:
    assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(server.socket.stat().st_mode)
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("port")["port"] == "0"
        assert client.config_get("save")["save"] == ""
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
        assert int(client.config_get("maxmemory")["maxmemory"]) > 2**20


def test_it_ends_when_it_is_told_to(server: EmbeddedRedis) -> None:
    assert answers(server.socket)
    server.stop()
    assert not answers(server.socket)
    assert not server.folder.exists()
    server.stop()  # again, as atexit does


def test_two_do_not_disturb_each_other(server: EmbeddedRedis) -> None:
    other = EmbeddedRedis()
    try:
        with redis.Redis.from_url(server.url) as one, redis.Redis.from_url(other.url) as two:
            one.set("key", "one")
            assert two.get("key") is None
    finally:
        other.stop()
    assert answers(server.socket)


def test_it_dies_with_a_parent_that_is_killed() -> None:
    code = (
        "import time; from service.embedded import EmbeddedRedis as E; print(E().socket, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        socket = Path(parent.stdout.readline().strip())
        try:
            assert answers(socket)
        finally:
            parent.send_signal(signal.SIGKILL)
    eventually(lambda: not answers(socket), "the server has gone")
    for left in socket.parent.iterdir():
        left.unlink()
    socket.parent.rmdir()


def test_it_starts_below_process_number_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the service has that number: it is no sign that the parent has died."""
    monkeypatch.setattr(ctypes, "CDLL", lambda _: type("C", (), {"prctl": lambda *_: 0}))
    monkeypatch.setattr(os, "getppid", lambda: 1)
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    die_with(1)
    assert killed == []
    die_with(7)
    assert killed == [os.getpid()]


def test_a_server_that_does_not_start_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "MEMORY", "a lot")
    with pytest.raises(RuntimeError, match="set REDIS_URL and UNDERTONE_STATE_KEY"):
        EmbeddedRedis()


def test_workers_inherit_its_address_and_a_key() -> None:
    environment = {"UNDERTONE_QUEUE": "7"}
    server = embedded.provide(environment)
    assert server is not None
    try:
        settings = Settings.read(environment)
        assert settings.redis_url == server.url
        assert answers(server.socket)
        assert len(settings.state_keys[0]) == 32
        again = dict(environment)
        assert embedded.provide(again) is None
        assert again == environment
    finally:
        server.stop()
    other: dict[str, str] = {"REDIS_URL": " "}
    second = embedded.provide(other)
    assert second is not None
    second.stop()
    assert other["UNDERTONE_STATE_KEY"] != environment["UNDERTONE_STATE_KEY"]
    assert len(base64.b64decode(other["UNDERTONE_STATE_KEY"])) == 32
