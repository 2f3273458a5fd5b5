"""SIGTERM: new connections are refused at once, running streams end, states are written, and it exits with 0."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.server import BENTOML, COMMAND, STOP_SECONDS, Service, in_turns
from tests.e2e.test_streams import SENTENCES, RawStream, final
from tests.waiting import READY_SECONDS, eventually, soon

GRACE = 10


def two_workers(external: dict[str, str], folder: Path, command: tuple[str, ...]) -> Service:
    environment = {**external, "UNDERTONE_WORKERS": "2", "UNDERTONE_GRACE": str(GRACE), "UNDERTONE_MODELS": "spam-gru"}
    return Service(folder, environment | {"BENTOML_HOME": str(folder / "bentoml")}, command)


def elsewhere(service: Service, stream: RawStream, query: str) -> RawStream:
    """A stream at a worker that does not hold the other one."""
    held: list[RawStream] = []
    first = other = worker(service, stream)
    until = time.monotonic() + READY_SECONDS  # a worker that has to wait for a core takes none meanwhile
    while first == other and time.monotonic() < until:
        held.append(RawStream(service, query))
        other = worker(service, held[-1])
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
        socket.create_connection(("127.0.0.1", service.port), timeout=20).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it was in the queue in the moment when that was closed
    return False


@contextmanager
def halfway(service: Service, session: str) -> Iterator[socket.socket]:
    """A prediction of which all but the end of the body is sent."""
    body = json.dumps({"text": SENTENCES[0], "task": "spam", "session_id": session}).encode()
    head = f"POST /v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as sending:
        sending.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        eventually(lambda: service.worker_at(sending.getsockname()[1]) is not None, "a worker has taken it")
        yield sending


@contextmanager
def typed(service: Service, session: str) -> Iterator[ClientConnection]:
    """A WebSocket whose first sentence is answered."""
    target = f"ws://127.0.0.1:{service.port}/v1/stream?task=spam&session_id={session}"
    with connect(target, open_timeout=60) as typing:
        typing.send(json.dumps({"text": SENTENCES[0] + SENTENCES[1]}))
        assert final(typing)["id"] == 1
        yield typing


@pytest.mark.parametrize("command", [COMMAND, BENTOML], ids=["python -m service", "bentoml serve"])
def test_what_runs_has_its_grace_and_new_connections_are_refused(
    service: Service, external: dict[str, str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    with (
        two_workers(external, tmp_path, command) as ends,
        halfway(ends, "halfway") as sending,
        typed(ends, "typed-ending") as typing,
        typed(ends, "typed-endless") as typing_on,
    ):
        ending = RawStream(ends, "task=spam&session_id=ending")
        endless = elsewhere(ends, ending, "task=spam&session_id=endless")
        for stream in (ending, endless):
            stream.send(SENTENCES[0] + SENTENCES[1])
            assert stream.event()["id"] == 1
        began = time.monotonic()
        ends.process.send_signal(signal.SIGTERM)
        eventually(lambda: refused(ends), "new connections are refused")
        assert time.monotonic() - began < GRACE / 2  # and not when all have had their time
        sending.sendall(b"}")
        assert sending.recv(65536).startswith(b"HTTP/1.1 200 ")
        ending.send(SENTENCES[2])
        typing.send(json.dumps({"text": SENTENCES[2]}))
        assert ending.event()["id"] == final(typing)["id"] == 2
        ending.end()
        typing.send(json.dumps({"end": True}))
        assert ending.event()["id"] == final(typing)["id"] == 3
        assert ending.event()["session"]["step"] == final(typing)["session"]["step"] == 3
        assert ends.process.wait(GRACE + STOP_SECONDS) == 0
        assert time.monotonic() - began >= GRACE  # the others had their time
        assert refused(ends)
        # They were told why they end.
        assert endless.event()["error"]["code"] == final(typing_on)["error"]["code"] == "shutting_down"
        with pytest.raises(ConnectionClosed) as closed:
            final(typing_on)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4503
        ending.socket.close()
        endless.socket.close()
        assert "Traceback" not in ends.log.read_text()
    # Every step that was seen is stored: another service goes on from there.
    wanted = {"halfway": 1, "ending": 3, "endless": 1, "typed-ending": 3, "typed-endless": 1}
    with in_turns(service) as turns:
        for session, step in wanted.items():
            assert turns("GET", f"/v1/sessions/{session}?task=spam").json()["step"] == step, session
            assert turns.predict(text=SENTENCES[3], session_id=session, step=step)["session"]["step"] == step + 1
            turns("DELETE", f"/v1/sessions/{session}")


def test_workers_end_with_a_supervisor_that_was_killed(external: dict[str, str], tmp_path: Path) -> None:
    with two_workers(external, tmp_path, COMMAND) as service:
        workers = service.workers()
        assert len(workers) == 2
        service.process.kill()
        soon(lambda: not any(map(psutil.pid_exists, workers)), "both have ended")
        assert refused(service)
