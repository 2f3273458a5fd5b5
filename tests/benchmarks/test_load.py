"""wrk's answers are read right, and a server that refuses is no fast server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.load import bodies, post

pytestmark = pytest.mark.tools


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: set[bytes] = set()  # noqa: RUF012 - the test's, which has one server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.add(body)
        self.send_response(200 if self.path == "/good" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_all_bodies_are_sent_and_counted(url: str, tmp_path: Path) -> None:
    load = post(f"{url}/good", bodies(tmp_path / "b", [{"n": 1}, {"n": 2}]), connections=2, seconds=3)
    assert Echo.seen == {b'{"n": 1}', b'{"n": 2}'}
    assert load.requests > 10
    assert 2 < load.seconds < 30  # in another unit it would be a thousand times as many
    assert load.rate == load.requests / load.seconds
    assert 0 < load.p50_ms <= load.p99_ms
    assert load.ceiling > load.rate


def test_a_refused_request_ends_the_measurement(url: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="failed"):
        post(f"{url}/bad", bodies(tmp_path / "b", [{"n": 1}]), connections=1, seconds=1)
