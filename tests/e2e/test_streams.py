"""Streams over real sockets: an event is out before the text goes on, and a client may go away."""

from __future__ import annotations

import gc
import json
import socket
import time
import warnings
from collections.abc import Iterator
from typing import Any

import bentoml
import httpx
import psutil
import pytest

from models.sentences import split
from tests.e2e.server import Service

SENTENCES = [f"This is sentence number {n} of a mail about your account. " for n in range(12)]


class RawStream:
    """A POST /v1/stream whose body is written by hand, over one socket, while the answer comes back."""

    def __init__(self, service: Service, query: str = "task=spam") -> None:
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=20)
        self.socket.sendall(
            f"POST /v1/stream?{query} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nTransfer-Encoding: chunked\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nAccept: application/x-ndjson\r\n\r\n".encode()
        )
        self._lines = self._read()

    def send(self, text: str) -> None:
        data = text.encode()
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def event(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(next(self._lines))
        return said

    def _read(self) -> Iterator[bytes]:
        """The lines of the body that start with a brace: heads and chunk sizes are not events."""
        rest = b""
        while data := self.socket.recv(65536):
            *lines, rest = (rest + data).split(b"\n")
            yield from (line for line in lines if line.startswith(b"{"))


def test_the_event_of_sentence_k_arrives_before_sentence_k_plus_2_is_sent(service: Service) -> None:
    stream = RawStream(service)
    got: list[dict[str, Any]] = []
    stream.send(SENTENCES[0])
    for sentence in SENTENCES[1:]:
        stream.send(sentence)
        # The next sentence is withheld until this has come; the socket's timeout is the failure.
        got.append(stream.event())
    stream.end()
    got.append(stream.event())
    done = stream.event()
    stream.socket.close()
    assert [e["id"] for e in got] == list(range(1, 13))
    assert done["event"] == "done"
    whole = httpx.post(f"{service.url}/v1/predict", json={"text": "".join(SENTENCES), "task": "spam"}).json()
    assert [e["probability"] for e in got] == pytest.approx([s["probability"] for s in whole["sentences"]], abs=1e-5)
    assert [(e["offset"], e["length"]) for e in got] == [(s.offset, s.length) for s in split("".join(SENTENCES))]


def test_an_event_is_there_before_the_17th_code_point_after_its_terminator(service: Service) -> None:
    stream = RawStream(service)
    stream.send("You have won a prize.")
    for character in " Now call us yes":  # 16 code points
        stream.send(character)
    assert stream.event()["length"] == len("You have won a prize.")
    stream.socket.close()


def test_bytes_cut_anywhere_give_the_same_events(service: Service) -> None:
    text = "Grüße, Anna! 你好。 Ihr Konto ist 🙂 gesperrt. Click here… now?"
    whole = httpx.post(f"{service.url}/v1/predict", json={"text": text, "task": "spam"}).json()
    for size in (1, 2, 3, 7):
        stream = RawStream(service)
        raw = text.encode()
        for start in range(0, len(raw), size):
            piece = raw[start : start + size]
            stream.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        stream.end()
        events = [stream.event() for _ in whole["sentences"]]
        assert stream.event()["event"] == "done"
        stream.socket.close()
        assert [e["offset"] for e in events] == [s["offset"] for s in whole["sentences"]]
        assert [e["probability"] for e in events] == pytest.approx(
            [s["probability"] for s in whole["sentences"]], abs=1e-5
        )


def test_a_session_stands_at_the_last_event_when_the_client_goes_away(service: Service) -> None:
    stream = RawStream(service, "task=spam&session_id=gone")
    for sentence in SENTENCES[:4]:
        stream.send(sentence)
    ids = [stream.event()["id"] for _ in range(3)]
    stream.socket.close()
    held = httpx.get(f"{service.url}/v1/sessions/gone?task=spam").json()
    assert held["step"] == ids[-1] == 3
    until = time.monotonic() + 10
    while connections(service, stream) and time.monotonic() < until:
        time.sleep(0.02)
    assert not connections(service, stream)


def connections(service: Service, stream: RawStream) -> int:
    """Connections that workers still hold, but for idle ones."""
    return sum(
        connection.status == psutil.CONN_CLOSE_WAIT
        for pid in service.workers()
        for connection in psutil.Process(pid).net_connections("tcp")
    )


def test_bentoml_s_own_client_works_against_the_native_twins(service: Service) -> None:
    text = "Claim your prize now! It is free."
    wanted = httpx.post(f"{service.url}/v1/predict", json={"text": text, "task": "spam"}).json()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client leaves its temporary folder to the garbage collector
        with bentoml.SyncHTTPClient(service.url) as client:
            one = client.predict({"text": text, "task": "spam"})
            many = client.predict_batch({"texts": [text, ""], "task": "spam"})
        del client
        gc.collect()
    assert one["probability"] == pytest.approx(wanted["probability"], abs=1e-5)
    assert many["results"][0]["probability"] == pytest.approx(one["probability"], abs=1e-5)
    assert many["results"][1]["error"]["code"] == "empty_text"
