"""The session store on Redis itself, as Debian ships it: a password, a restart, a death and a resurrection."""

from __future__ import annotations

import base64
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from models.sentences import split
from tests.e2e.server import Service, free_port

pytestmark = pytest.mark.tools
TEXT = "Hello Anna, thank you for your order. Your account is suspended! Click here now to claim your free prize."


class RedisServer:
    """Debian's redis-server on a port of loopback, with a password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_hex(8)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "dir": self.folder, "save": "", "requirepass": self.password}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self.process = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                self.client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    running = RedisServer(tmp_path)
    yield running
    running.client.close()
    running.kill()


def test_sessions_on_redis_itself(server: RedisServer, tmp_path: Path) -> None:
    environment = {
        "REDIS_URL": server.url,
        "UNDERTONE_STATE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "UNDERTONE_REDIS_TIMEOUT": "2",
    }
    first, *rest = [sentence.text for sentence in split(TEXT)]
    asked = {"task": "spam", "session_id": "anna"}
    with Service(tmp_path, environment) as service:
        whole = httpx.post(f"{service.url}/v1/predict", json={"text": TEXT, "task": "spam"}).json()
        httpx.post(f"{service.url}/v1/predict", json={"text": first, **asked, "step": 0}).raise_for_status()
    (key,) = server.client.keys("*")
    assert key == b"undertone:public:spam:anna"
    assert 0 < server.client.ttl(key) <= 86_400
    assert (server.client.memory_usage(key) or 0) in range(1, 2049)
    with Service(tmp_path, environment) as service:
        answer = httpx.post(f"{service.url}/v1/predict", json={"text": " ".join(rest), **asked, "step": 1}).json()
        assert answer["probability"] == pytest.approx(whole["probability"], abs=1e-5)
        assert (server.client.memory_usage(key) or 0) in range(1, 2049)
        server.kill()
        lost = httpx.post(f"{service.url}/v1/predict", json={"text": first, **asked})
        assert (lost.status_code, lost.json()["error"]["code"]) == (503, "store_unavailable")
        assert int(lost.headers["retry-after"]) >= 1
        assert httpx.post(f"{service.url}/v1/predict", json={"text": TEXT, "task": "spam"}).status_code == 200
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        assert httpx.get(f"{service.url}/v1/status").json()["status"] == "degraded"
        server.start()
        assert httpx.get(f"{service.url}/v1/status").json()["status"] == "ok"
        # It came back empty: a session that is gone is never begun anew by itself.
        gone = httpx.post(f"{service.url}/v1/predict", json={"text": first, **asked, "step": 3})
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "session_not_found")
