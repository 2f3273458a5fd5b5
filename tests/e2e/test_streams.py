"""Streams over real sockets, by real clients: an event is out before the text goes on, and a client may go away."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import random
import socket
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any, Final

import httpx
import httpx_sse
import psutil
import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from benchmarks.body import CHUNK, SENTENCE, passed
from models.sentences import split
from service.settings import Settings
from tests.e2e.server import ANSWER_SECONDS, ROOT, Service, another, client_per_worker, native
from tests.service.live import GONE_SECONDS
from tests.waiting import eventually, within

PHISHING: Final = (ROOT / "docs" / "phishing.txt").read_text("utf-8")
MODELS: Final = ("spam-gru", "spam-conv1d", "sentiment-gru", "sentiment-conv1d")
SENTENCES = [f"This is sentence number {n} of a mail about your account. " for n in range(12)]


class RawStream:
    """A POST /v1/stream whose body is written by hand, over one socket, while the answer comes back."""

    def __init__(
        self, service: Service, query: str = "task=spam", accept: str = "application/x-ndjson", start: str = "{"
    ) -> None:
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=60)
        self.socket.sendall(
            f"POST /v1/stream?{query} HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nTransfer-Encoding: chunked\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nAccept: {accept}\r\n\r\n".encode()
        )
        self._start = start.encode()
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
        """What follows the start that a line with an event has: heads and chunk sizes are not events."""
        rest = b""
        while data := self.socket.recv(65536):
            *lines, rest = (rest + data).split(b"\n")
            yield from (line[line.index(b"{") :] for line in lines if line.startswith(self._start))


@pytest.mark.parametrize(("accept", "start"), [("application/x-ndjson", "{"), ("text/event-stream", "data: {")])
def test_the_event_of_sentence_k_arrives_before_sentence_k_plus_2_is_sent(
    service: Service, accept: str, start: str
) -> None:
    stream = RawStream(service, "task=spam", accept, start)
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
    assert [e["index"] for e in got] == list(range(12))
    assert done["reason"] == "end"
    whole = service.post("/v1/predict", json={"text": "".join(SENTENCES), "task": "spam"}).json()
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
    whole = service.post("/v1/predict", json={"text": text, "task": "spam"}).json()
    raw = text.encode()
    cuts = [list(range(0, len(raw), size)) for size in (1, 2, 3, 7)]
    chance = random.Random(5)
    cuts += [[0, *sorted(chance.sample(range(1, len(raw)), chance.randrange(1, 12)))] for _ in range(20)]
    for starts in cuts:
        stream = RawStream(service)
        for piece in (raw[a:b] for a, b in itertools.pairwise([*starts, len(raw)])):
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
    with another(service, stream.socket.getsockname()[1]) as other:
        stream.socket.close()
        held = other.get("/v1/sessions/gone?task=spam").json()
    assert held["step"] == ids[-1] == 3
    eventually(lambda: not connections(service), "no worker holds the connection")


def test_a_client_that_goes_far_ahead_of_the_scoring_stops_the_work(service: Service, keys: redis.Redis) -> None:
    """A megabyte is on its way, of which no more is read than is scored: the client's end is behind it."""
    text = "The cat sat on it. You won free money! " * 26_000
    names = (f"far-{number}" for number in itertools.count())

    def left(name: str) -> float:
        stream = RawStream(service, f"task=spam&session_id={name}")
        stream.send(text)
        seen = stream.event()["id"]
        with another(service, stream.socket.getsockname()[1]) as other:
            stream.socket.close()
            seconds = settled(keys, f"undertone:public:spam:{name}")
            step = other.get(f"/v1/sessions/{name}?task=spam").json()["step"]
        assert seen <= step < 52_000
        return seconds

    within(GONE_SECONDS, lambda: map(left, itertools.islice(names, 3)), rounds=12)


def settled(keys: redis.Redis, key: str) -> float:
    """Seconds from now after which a session was as it stays."""
    began = changed = time.monotonic()
    last = None
    while time.monotonic() < changed + 0.5:
        asked = time.monotonic()
        if (now := keys.get(key)) != last:
            last, changed = now, asked
        time.sleep(0.001)
    return changed - began


def connections(service: Service) -> int:
    """Connections that workers still hold, but for idle ones."""
    return sum(
        connection.status == psutil.CONN_CLOSE_WAIT
        for pid in service.workers()
        for connection in psutil.Process(pid).net_connections("tcp")
    )


def final(typed: ClientConnection) -> dict[str, Any]:
    """The next event that is not provisional."""
    said: dict[str, Any] = {"event": "provisional"}
    while said["event"] == "provisional":
        said = json.loads(typed.recv(60))
    return said


def test_over_a_websocket_sentence_k_plus_2_is_withheld_until_the_event_of_sentence_k_has_arrived(
    service: Service,
) -> None:
    with connect(f"ws://127.0.0.1:{service.port}/v1/stream?task=spam", open_timeout=60) as typed:
        typed.send(json.dumps({"text": SENTENCES[0]}))
        got = []
        for sentence in SENTENCES[1:]:
            typed.send(json.dumps({"text": sentence}))
            got.append(final(typed))
        typed.send('{"end": true}')
        got.append(final(typed))
        done = final(typed)
    whole = service.post("/v1/predict", json={"text": "".join(SENTENCES), "task": "spam"}).json()
    assert [e["id"] for e in got] == list(range(1, 13))
    assert [e["probability"] for e in got] == pytest.approx([s["probability"] for s in whole["sentences"]], abs=1e-5)
    assert done["probability"] == pytest.approx(whole["probability"], abs=1e-5)


def test_a_session_goes_on_from_a_websocket_that_broke_off_over_http(service: Service) -> None:
    target = f"ws://127.0.0.1:{service.port}/v1/stream?task=spam&session_id=typed&step=0"
    with connect(target, open_timeout=60) as typed:
        typed.send(json.dumps({"text": SENTENCES[0] + SENTENCES[1] + "And now there comes a third"}))
        seen = [final(typed) for _ in range(2)]
        assert [e["id"] for e in seen] == [1, 2]
        rest = {"text": SENTENCES[2], "task": "spam", "session_id": "typed", "step": 2}
        with another(service, typed.socket.getsockname()[1]) as other:
            typed.socket.shutdown(socket.SHUT_RDWR)
            after = other.post("/v1/predict", json=rest).json()
    whole = service.post("/v1/predict", json={"text": "".join(SENTENCES[:3]), "task": "spam"}).json()
    assert after["session"]["step"] == 3
    assert after["probability"] == pytest.approx(whole["probability"], abs=1e-5)


def said(source: httpx_sse.EventSource) -> list[httpx_sse.ServerSentEvent]:
    """The events; the library makes one of `retry`, too."""
    opening, *events = source.iter_sse()
    assert (opening.retry, opening.data) == (2000, "")
    return events


@pytest.mark.parametrize("model", MODELS)
def test_prior_and_deltas_add_up_to_the_final_log_odds(service: Service, model: str) -> None:
    asked = {"text": PHISHING * 3, "task": model.split("-")[0], "model": model}
    with httpx.stream("POST", f"{service.url}/v1/stream", json=asked, timeout=ANSWER_SECONDS) as response:
        *sentences, done = [event.json() for event in said(httpx_sse.EventSource(response))]
    whole = service.post("/v1/predict", json=asked).json()
    assert len(sentences) == len(whole["sentences"]) >= 20
    for verdict, deltas in ((done, sentences), (whole, whole["sentences"])):
        log_odds = math.log(verdict["probability"]) - math.log1p(-verdict["probability"])
        assert verdict["prior"] + math.fsum(s["delta"] for s in deltas) == pytest.approx(log_odds, abs=1e-6)
        for before, after in itertools.pairwise(deltas):
            steps = [math.log(s["probability"]) - math.log1p(-s["probability"]) for s in (before, after)]
            assert after["delta"] == pytest.approx(steps[1] - steps[0], abs=1e-6)


def test_a_library_for_server_sent_events_reads_them_and_resumes(service: Service) -> None:
    asked = {"text": PHISHING, "task": "spam", "session_id": "sse", "step": 0}
    with client_per_worker(service) as clients:
        one, other = clients.values()
        with httpx_sse.connect_sse(one, "POST", "/v1/stream", json=asked) as source:
            first = said(source)
        assert [event.event for event in first] == ["sentence"] * (len(first) - 1) + ["done"]
        assert [event.id for event in first[:-1]] == [str(n) for n in range(1, len(first))]
        seen = {"last-event-id": first[2].id}
        with httpx_sse.connect_sse(other, "POST", "/v1/stream", json=asked, headers=seen) as source:
            rest = said(source)
    assert [event.data for event in rest[:-1]] == [event.data for event in first[3:-1]]
    assert rest[-1].json()["session"]["replayed"]


class Curl:
    """`curl -N -T .`, whose standard input is the text while it is typed."""

    def __init__(self, service: Service, query: str, *options: str) -> None:
        command = ["curl", "-sS", "-N", "-T", ".", "-X", "POST", "-H", "Content-Type: text/plain", *options]
        url = f"{service.url}/v1/stream?task=spam{query}"
        self.process = subprocess.Popen([*command, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.keys, self.screen = self.process.stdin, self.process.stdout

    def type(self, text: str) -> None:
        self.keys.write(text.encode())
        self.keys.flush()

    def event(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.screen.readline())
        return said

    def left(self) -> int:
        """Ends the input: the exit status."""
        self.keys.close()
        assert self.screen.read() == b""
        self.screen.close()
        return self.process.wait(60)


@pytest.mark.tools
def test_curl_prints_events_while_one_types(service: Service) -> None:
    curl = Curl(service, "", "-H", "Accept: application/x-ndjson")
    curl.type(SENTENCES[0])
    for number, sentence in enumerate(SENTENCES[1:], start=1):
        curl.type(sentence)
        assert curl.event()["id"] == number
    curl.type("The end.")
    curl.keys.close()
    assert [curl.event()["event"] for _ in range(3)] == ["sentence", "sentence", "done"]
    assert curl.left() == 0


@pytest.mark.tools
def test_curl_ends_well_at_an_early_decision_and_at_an_error(service: Service) -> None:
    for query, last in (("&stop_at=0.9", "done"), ("&stop_at=0.9", "error")):
        curl = Curl(service, query, "-H", "Accept: application/x-ndjson")
        if last == "error":
            curl.keys.write(b"\xff")
            curl.keys.flush()
        else:
            curl.type("Click here now to claim your free prize! " * 4)
        said = {"event": "sentence"}
        while said["event"] == "sentence":
            said = curl.event()
        assert said["event"] == last
        assert last == "error" or said["reason"] == "decided"
        assert curl.left() == 0


def test_a_long_body_streams_through_in_constant_memory(service: Service) -> None:
    """A body beyond the limit of all others: no more of it is held than of a small one. 100 MB: benchmarks.body."""
    workers = [psutil.Process(pid) for pid in service.workers()]
    times = dict.fromkeys(workers, 0)
    warm = 0
    while min(times.values()) < 3:  # whoever takes the long body is to have what it needs for any
        before = [sum(worker.cpu_times()[:2]) for worker in workers]
        warm = max(warm, *passed(service.port, workers, [CHUNK] * 8).held)
        took = [sum(worker.cpu_times()[:2]) - was for worker, was in zip(workers, before, strict=True)]
        times[workers[took.index(max(took))]] += 1
    came = passed(service.port, workers, [CHUNK] * (-(-10_000_000 // len(CHUNK))))
    assert came.sent > Settings().max_body
    assert came.sentences == came.sent // len(SENTENCE)
    assert max(came.held) - warm < 4 * 2**20


def deflated(text: bytes) -> bytes:
    """A compressed frame (RFC 7692, section 7.2.1)."""
    compress = zlib.compressobj(9, zlib.DEFLATED, -12)
    data = compress.compress(text) + compress.flush(zlib.Z_SYNC_FLUSH)
    first, *rest = plain(data.removesuffix(b"\0\0\xff\xff"))
    return bytes([first | 0x40, *rest])


def plain(text: bytes) -> bytes:
    return Frame(Opcode.TEXT, text).serialize(mask=True)


BURSTS: Final = {
    "compressed": (deflated, 15 * 2**20, 20),
    "compressed, and allowed": (deflated, Settings().max_frame, 200),
    "as large as is allowed": (plain, Settings().max_frame, 20),
    "larger": (plain, 4 * Settings().max_frame, 20),
    "too large to be read": (plain, 4 * Settings().max_frame + 1, 20),
}


@pytest.mark.parametrize("name", BURSTS)
def test_a_burst_of_frames_takes_little_memory(service: Service, name: str) -> None:
    """A compressed one is a thousand times its size on the wire, and many come in one read of the socket."""
    form, size, number = BURSTS[name]
    burst = form(b'{"text": "%s"}' % (b" " * (size - 12))) * number
    held: list[int] = []
    target = f"ws://127.0.0.1:{service.port}/v1/stream?task=spam"
    with contextlib.suppress(ConnectionClosed), connect(target, open_timeout=60) as typed:
        pid = service.worker_at(typed.local_address[1])
        assert pid is not None
        worker = psutil.Process(pid)
        ended = threading.Event()

        def look() -> None:
            while not ended.wait(0.002):
                held.append(worker.memory_info().rss)

        looking = threading.Thread(target=look)
        held.append(worker.memory_info().rss)
        looking.start()
        with contextlib.suppress(OSError):  # it is refused while it comes
            typed.socket.sendall(burst)
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                typed.recv(2)
        ended.set()
        looking.join()
        held.append(worker.memory_info().rss)
    assert max(held) - held[0] < 48 * 2**20


def test_bentoml_s_own_client_works_against_the_native_twins(service: Service) -> None:
    text = "Claim your prize now! It is free."
    wanted = service.post("/v1/predict", json={"text": text, "task": "spam"}).json()
    one = native(service, lambda client: client.predict({"text": text, "task": "spam"}))
    many = native(service, lambda client: client.predict_batch({"texts": [text, ""], "task": "spam"}))
    assert one["probability"] == pytest.approx(wanted["probability"], abs=1e-5)
    assert many["results"][0]["probability"] == pytest.approx(one["probability"], abs=1e-5)
    assert many["results"][1]["error"]["code"] == "empty_text"


def test_the_native_twins_refuse_as_the_rest_of_the_api_does(service: Service) -> None:
    good: dict[str, dict[str, Any]] = {
        "/predict": {"text": "Hello.", "task": "spam"},
        "/predict_batch": {"texts": ["Hello."], "task": "spam"},
    }
    for path, asked in good.items():
        bad = httpx.post(service.url + path, json=asked | {"step": "1", "surprise": 1})
        wanted = httpx.post(f"{service.url}/v1{path}", json=asked | {"step": "1", "surprise": 1})
        assert (bad.status_code, bad.json()) == (400, wanted.json())
        plain = httpx.post(service.url + path, content=json.dumps(asked), headers={"content-type": "text/plain"})
        assert (plain.status_code, plain.json()["error"]["code"]) == (415, "unsupported_media")
