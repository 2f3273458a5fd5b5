"""Streams over HTTP, with real sockets: heartbeats, silence, slow readers, long bodies, and clients that go."""

from __future__ import annotations

import itertools
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import pytest
import redis

from service import duplex
from service.errors import Idle
from service.events import HEARTBEAT_SECONDS
from service.inbox import WAITING
from service.serving import TURN
from tests.service.live import GONE_SECONDS, TEXT, Bench, Event, Live, Upload, events
from tests.waiting import eventually, mostly_within

SPAM: Final = "/v1/stream?task=spam"
NDJSON: Final = "application/x-ndjson"


def lines(raw: bytes) -> list[Event]:
    said = [json.loads(line) for line in raw.splitlines()]
    return [Event(line.pop("event"), line.pop("id", None), line) for line in said]


@pytest.mark.parametrize(
    ("accept", "said", "beat"),
    [
        ("text/event-stream", b"event: sentence\n", b"\n:\n\n"),
        (NDJSON, b'{"event":"sentence"', b'{"event":"heartbeat"}\n'),
    ],
)
def test_a_heartbeat_comes_between_events_while_nothing_else_does(
    live: Live, monkeypatch: pytest.MonkeyPatch, accept: str, said: bytes, beat: bytes
) -> None:
    monkeypatch.setattr(duplex, "HEARTBEAT_SECONDS", 0.05)
    with Upload(live.port, SPAM, accept=accept) as upload:
        for number, piece in ((1, "The cat sat on it. You won free money."), (5, TEXT)):
            upload.send(piece)
            # It beats before the piece has come, too, as often as that takes.
            upload.until(lambda u: u.body.count(said) >= number and u.body.rpartition(said)[2].count(beat) >= 3)  # noqa: B023
            assert upload.body.count(said) == number
        upload.end()
        body = upload.whole().body
    got = events(body) if accept != NDJSON else [event for event in lines(body) if event.name != "heartbeat"]
    assert [event.id for event in got] == [1, 2, 3, 4, 5, 6, 7, None]


def test_the_heart_beats_every_15_seconds() -> None:
    assert HEARTBEAT_SECONDS == 15


@pytest.mark.parametrize("accept", ["text/event-stream", NDJSON])
def test_a_client_that_sends_nothing_is_told_and_left(live: Live, bench: Bench, accept: str) -> None:
    with live.with_serving(bench.serving(idle=3)), Upload(live.port, SPAM, accept=accept) as upload:
        upload.send("The cat sat on it. You won free money.")
        body = upload.whole().body  # the answer is complete, though the body is not
    sentence, error = events(body) if accept != NDJSON else lines(body)
    assert (sentence.name, error.name, error.data["error"]["code"]) == ("sentence", "error", Idle.code)
    assert (error.data["error"]["limit"], "UNDERTONE_IDLE" in error.data["error"]["message"]) == (3, True)
    eventually(lambda: live.tasks() == 0, "nothing is left")


def test_after_an_early_end_the_connection_closes_or_its_client_would_send_for_ever(
    live: Live, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplex, "LINGER", 3)  # this machine may be busy with other things
    with live.with_serving(bench.serving(max_stream=100)), Upload(live.port, SPAM) as upload:
        upload.send("x" * 101)
        upload.until(lambda u: b"text_too_long" in u.body)
        for _ in range(3):
            upload.send("more of it ")  # what is still on its way breaks nothing
        assert upload.whole().headers["connection"] == "close"
        assert upload._socket.recv(1) == b""
    whole = live.post("/v1/stream", {"text": TEXT, "task": "spam"})
    assert "connection" not in whole.headers


def test_neither_the_timer_nor_the_limit_of_a_body_is_for_streams(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(timeout=0.2, max_body=1024, max_text=1000)):
        with Upload(live.port, SPAM) as upload:
            for _ in range(8):
                upload.send("x" * 999 + " ")
                time.sleep(0.1)
            upload.end()
            done = upload.whole().events[-1]
        assert (done.name, done.data["read"], done.data["left"]) == ("done", 8000, 0)


def test_a_stream_has_a_limit_of_its_own(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(max_stream=5000)):
        for size, ended in ((5000, "done"), (5001, "error")):
            with Upload(live.port, SPAM) as upload:
                for start in range(0, size, 1000):
                    upload.send("x" * min(1000, size - start))
                upload.end()
                last = upload.whole().events[-1]
            assert last.name == ended
        assert (last.data["error"]["code"], last.data["error"]["limit"]) == ("text_too_long", 5000)
        assert "UNDERTONE_MAX_STREAM" in last.data["error"]["message"]


def test_what_has_no_end_because_it_has_no_word_is_bounded_too(
    live: Live, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplex, "LINGER", 3)
    with live.with_serving(bench.serving(max_text=1000)), Upload(live.port, SPAM) as upload:
        for _ in range(3):
            upload.send("." * 1000)
            time.sleep(0.05)
        (error,) = upload.whole().events
    assert (error.data["error"]["code"], error.data["error"]["limit"]) == ("text_too_long", 1000)


def stuck(sender: socket.socket, chunk: bytes) -> int:
    """How many bytes can be sent, the same again and again, until nobody takes any more for half a second."""
    sent, rest = 0, b""
    sender.settimeout(0.5)
    try:
        while sent < 2**28:
            rest = rest or chunk
            taken = sender.send(rest)
            rest, sent = rest[taken:], sent + taken
    except TimeoutError:
        return sent
    pytest.fail("it was all taken")


def test_a_reader_that_does_not_read_holds_up_the_sending_and_is_left_at_last(bench: Bench) -> None:
    """Of what is sent, only what buffers of the kernel hold is taken, however much comes."""
    with closing(bench.load()) as models, closing(Live(bench.serving(models, idle=6))) as live:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            live._listening.setsockopt(socket.SOL_SOCKET, option, 65536)
        with socket.socket() as client:
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                client.setsockopt(socket.SOL_SOCKET, option, 65536)
            client.connect(("127.0.0.1", live.port))
            head = "Host: localhost\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            client.sendall(f"POST {SPAM} HTTP/1.1\r\n{head}".encode())
            data = b"The cat sat on it. You won free money! " * 400
            assert stuck(client, b"%x\r\n%s\r\n" % (len(data), data)) < 2**22
            assert live.tasks() > 0
            eventually(lambda: live.tasks() == 0, "it is left after the idle limit")
        assert live.post("/v1/predict", {"text": TEXT, "task": "spam"}).status_code == 200


def test_little_is_read_ahead() -> None:
    assert WAITING == 1


def test_a_client_that_goes_while_it_writes_stops_the_work_at_once(live: Live, keys: redis.Redis) -> None:
    names = (f"gone-{number}" for number in itertools.count())

    def gone() -> Iterator[float]:
        for name in itertools.islice(names, 9):
            upload = Upload(live.port, f"{SPAM}&session_id={name}")
            upload.send("The cat sat on it. You won free money. Click")
            assert upload.sentences(1).events[-1].id == 1
            yield live.left_after(upload.close)
            assert live.client.get(f"/v1/sessions/{name}?task=spam").json()["step"] == 1

    mostly_within(GONE_SECONDS, gone)


def test_a_client_that_goes_while_much_is_scored_stops_the_work_at_once(live: Live, keys: redis.Redis) -> None:
    size = 40_000
    body = json.dumps({"text": "The cat sat. " * size, "task": "spam"})
    model = live.serving.catalogue.resolve("spam")
    scored = live.serving.metrics.families.sentences["spam", model.name, model.digest]

    def gone() -> Iterator[float]:
        for _ in range(5):
            before = scored.total
            upload = Upload(live.port, "/v1/stream", content_type="application/json")
            upload.send(body)
            upload.end()
            upload.sentences(1)
            yield live.left_after(upload.close)
            assert 0 < scored.total - before < size

    mostly_within(GONE_SECONDS, gone)
    assert live.post("/v1/predict", {"text": TEXT, "task": "spam"}).status_code == 200


def test_a_client_that_goes_while_its_text_is_far_ahead_of_the_scoring_stops_the_work_at_once(
    live: Live, keys: redis.Redis
) -> None:
    """Nothing more is read then, and its end is behind bytes that nobody reads."""
    size = 52_000  # sentences, 1 MB
    model = live.serving.catalogue.resolve("spam")
    scored = live.serving.metrics.families.sentences["spam", model.name, model.digest]
    names = (f"far-{number}" for number in itertools.count())

    def left(name: str) -> float:
        before = scored.total
        upload = Upload(live.port, f"{SPAM}&session_id={name}")
        upload.send("The cat sat on it. You won free money! " * (size // 2))
        seen = upload.sentences(1).events[-1].id
        eventually(lambda: scored.total > before + 4 * TURN, "events are there that it has not read")
        counted: list[float] = []

        async def close() -> None:
            upload.close()
            counted.append(scored.total)

        seconds = live.left_after(lambda: live.do(close()))
        assert scored.total - counted[0] <= 4 * TURN, "a turn or so, until the end of the connection is seen"
        step = live.client.get(f"/v1/sessions/{name}?task=spam").json()["step"]
        assert seen is not None
        assert seen <= step <= scored.total - before < size
        return seconds

    mostly_within(GONE_SECONDS, lambda: map(left, itertools.islice(names, 3)))


def test_a_session_that_was_left_goes_on_from_the_last_event_that_was_sent(live: Live, keys: redis.Redis) -> None:
    with Upload(live.port, f"{SPAM}&session_id=s&step=0") as upload:
        for part in ("The cat sat on it. ", "You won free money! ", "Click, click, click. "):
            upload.send(part)
        last: Any = upload.sentences(2).events[-1].id
    eventually(lambda: live.tasks() == 0, "the stream has ended")
    held = live.client.get("/v1/sessions/s?task=spam").json()
    assert held["step"] == last
    after = live.post("/v1/predict", {"text": "The end.", "task": "spam", "session_id": "s", "step": last})
    assert (after.status_code, after.json()["session"]["step"]) == (200, last + 1)
