"""SIGTERM: new connections are refused at once, running streams end, states are written, and it exits with 0."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import redis

from tests.e2e.server import Service
from tests.e2e.test_streams import SENTENCES, RawStream
from tests.service.live import eventually

GRACE = 3


def two_workers(external: dict[str, str], folder: Path, grace: int) -> Service:
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_GRACE": str(grace), "UNDERTONE_MODELS": "spam-gru"}
    return Service(folder, environment)


def refused(service: Service) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_running_streams_end_and_new_connections_are_refused(
    external: dict[str, str], keys: redis.Redis, tmp_path: Path
) -> None:
    with two_workers(external, tmp_path, GRACE) as service:
        ending = RawStream(service, "task=spam&session_id=ending")
        endless = RawStream(service, "task=spam&session_id=endless")
        for stream in (ending, endless):
            stream.send(SENTENCES[0] + SENTENCES[1])
            assert stream.event()["id"] == 1
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: refused(service), "new connections are refused")
        assert time.monotonic() - began < 1
        ending.send(SENTENCES[2])
        assert ending.event()["id"] == 2
        ending.end()
        assert ending.event()["id"] == 3
        assert ending.event()["session"]["step"] == 3
        assert service.process.wait(GRACE + 10) == 0
        assert time.monotonic() - began >= GRACE  # the other one had its time
        assert refused(service)
        # It was told why it ends, and what it has seen is stored.
        assert endless.event()["error"]["code"] == "shutting_down"
        ending.socket.close()
        endless.socket.close()
        assert "Traceback" not in service.log.read_text()
    assert keys.exists("undertone:public:spam:endless", "undertone:public:spam:ending") == 2


def test_a_service_that_is_idle_does_not_wait_for_its_grace(external: dict[str, str], tmp_path: Path) -> None:
    with two_workers(external, tmp_path, 60) as service, httpx.Client(base_url=service.url) as kept_alive:
        kept_alive.get("/livez")
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) == 0
        assert time.monotonic() - began < 30
