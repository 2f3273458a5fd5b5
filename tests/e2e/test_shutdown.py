"""SIGTERM: new connections are refused at once, running streams end, states are written, and it exits with 0."""

from __future__ import annotations

import json
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.e2e.server import Service
from tests.e2e.test_streams import SENTENCES, RawStream, final
from tests.service.live import eventually

GRACE = 3


def two_workers(external: dict[str, str], folder: Path, grace: int) -> Service:
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_GRACE": str(grace), "UNDERTONE_MODELS": "spam-gru"}
    return Service(folder, environment)


def elsewhere(service: Service, stream: RawStream, query: str) -> RawStream:
    """A stream at a worker that does not hold the other one."""
    held: list[RawStream] = []
    for _ in range(200):
        held.append(RawStream(service, query))
        first, other = (worker(service, one) for one in (stream, held[-1]))
        if first != other:
            break
    assert first != other
    for one in held[:-1]:
        one.socket.close()
    return held[-1]


def worker(service: Service, stream: RawStream) -> int | None:
    port = stream.socket.getsockname()[1]
    eventually(lambda: service.worker_at(port) is not None, "a worker has taken the connection")
    return service.worker_at(port)


def refused(service: Service) -> bool:
    try:
        socket.create_connection(("127.0.0.1", service.port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_running_streams_end_and_new_connections_are_refused(
    external: dict[str, str], keys: redis.Redis, tmp_path: Path
) -> None:
    with two_workers(external, tmp_path, GRACE) as service, ExitStack() as stack:
        ending = RawStream(service, "task=spam&session_id=ending")
        endless = elsewhere(service, ending, "task=spam&session_id=endless")
        for stream in (ending, endless):
            stream.send(SENTENCES[0] + SENTENCES[1])
            assert stream.event()["id"] == 1
        target = f"ws://127.0.0.1:{service.port}/v1/stream?task=spam&session_id=typed"
        typed = stack.enter_context(connect(target, open_timeout=20))
        typed.send(json.dumps({"text": SENTENCES[0] + SENTENCES[1]}))
        assert final(typed)["id"] == 1
        began = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: refused(service), "new connections are refused")
        assert time.monotonic() - began < 1
        with pytest.raises(ConnectionClosed) as closed:  # as /docs say of 1012: what was seen is stored
            final(typed)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
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
    assert keys.exists(*(f"undertone:public:spam:{name}" for name in ("endless", "ending", "typed"))) == 3
