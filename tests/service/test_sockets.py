"""WebSockets, by a real client against a real server: events while one types, close codes, limits and access."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, Final

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from models.sentences import AFTER, LONGEST, Segmenter, Sentence
from service import sockets
from service.errors import Overloaded
from service.guard import Guard
from service.routes import application
from service.serving import TURN, Serving
from service.settings import Settings
from service.wire import ProvisionalSentence
from tests.service.live import GONE_SECONDS, TEXT, Bench, Event, Live, examples
from tests.service.test_duplex import stuck
from tests.service.test_streams import END, same, texts, whole
from tests.waiting import PATIENCE, eventually, mostly_within

SPAM: Final = "/v1/stream?task=spam"
KEYS: Final = {hashlib.sha256(b"k").hexdigest(): "anna"}


class Typing:
    """A connection on which somebody types."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def type(self, text: str) -> None:
        self.socket.send(json.dumps({"text": text}))

    def end(self) -> None:
        self.socket.send('{"end": true}')

    def event(self) -> Event:
        """The next one."""
        line = json.loads(self.socket.recv(PATIENCE))
        return Event(line.pop("event"), line.pop("id", None), line)

    def until(self, name: str) -> list[Event]:
        """Events up to the first of that name."""
        got = [self.event()]
        while got[-1].name != name:
            got.append(self.event())
        return got

    def rest(self) -> tuple[list[Event], int]:
        """What comes before the close, less what is provisional, and the close code."""
        got: list[Event] = []
        while True:
            try:
                got.append(self.event())
            except ConnectionClosed:
                code = self.socket.close_code
                return [event for event in got if event.name != "provisional"], code or 0


@contextmanager
def typing(live: Live, target: str = SPAM, **options: Any) -> Iterator[Typing]:
    with connect(f"ws://127.0.0.1:{live.port}{target}", open_timeout=PATIENCE, **options) as socket:
        yield Typing(socket)


def refused(live: Live, target: str = SPAM, **options: Any) -> tuple[int, str]:
    """The status and the error code of a handshake that fails."""
    with pytest.raises(InvalidStatus) as failure, typing(live, target, **options):
        pass
    response = failure.value.response
    assert response.headers["x-request-id"]
    return response.status_code, json.loads(bytes(response.body or b""))["error"]["code"]


def answer(live: Live, pieces: list[str], target: str = SPAM) -> tuple[list[Event], int]:
    with typing(live, target) as typed:
        for piece in pieces:
            typed.type(piece)
        typed.end()
        return typed.rest()


def test_the_events_are_those_of_http(live: Live) -> None:
    got, code = answer(live, [TEXT[:30], TEXT[30:31], TEXT[31:]])
    http = live.client.post(
        SPAM, content=TEXT, headers={"content-type": "text/plain", "accept": "application/x-ndjson"}
    )
    assert code == 1000
    assert len(got) == 6
    for event, line in zip(got, map(json.loads, http.iter_lines()), strict=True):
        assert (event.name, event.id) == (line.pop("event"), line.pop("id", None))
        assert same(event.data, line)


@given(texts, st.data())
@examples(25)
def test_any_cut_into_frames_gives_what_the_whole_text_gives(live: Live, bench: Bench, text: str, data: Any) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    (*sentences, done), code = answer(live, [text[a:b] for a, b in itertools.pairwise([0, *cuts, len(text)])])
    assert (done.name, code) == ("done", 1000)
    if not text.strip():
        assert sentences == []
        return
    wanted = whole(bench, text)
    said = wanted.pop("sentences")
    for event in sentences:
        del event.data["state"]
    assert all(same(event.data, sentence) for event, sentence in zip(sentences, said, strict=True))
    assert same(done.data, wanted | END | {"read": len(text)})


def test_sentence_k_plus_2_is_withheld_until_the_event_of_sentence_k_has_arrived(live: Live) -> None:
    with typing(live) as typed:
        typed.type("The cat sat on film number 0. ")
        for k in range(1, 20):
            typed.type(f"The cat sat on film number {k}. ")
            assert typed.until("sentence")[-1].id == k
        typed.end()
        got, code = typed.rest()
        assert [event.id for event in got] == [20, None]
        assert code == 1000


def test_an_event_has_come_before_the_17th_code_point_after_the_end(live: Live) -> None:
    with typing(live) as typed:
        for character in "You won free money!" + " The é sat on 🙂 film"[:AFTER]:
            typed.type(character)
        assert typed.until("sentence")[-1].data["length"] == 19


def test_what_is_unfinished_is_shown_while_one_types_and_is_what_the_end_would_say(live: Live, bench: Bench) -> None:
    with typing(live, f"{SPAM}&threshold=0.4") as typed:
        for upto in range(4, len(TEXT), 7):
            typed.type(TEXT[max(0, upto - 7) if upto > 4 else 0 : upto])
            seen = typed.until("provisional")
            wanted = whole(bench, TEXT[:upto])["sentences"]
            while seen[-1].data["index"] < wanted[-1]["index"]:  # as many as would be, if this was the end
                seen.append(typed.event())
            for event in seen:
                assert (event.id is None) is (event.name == "provisional")
            latest = ProvisionalSentence.model_validate(seen[-1].data).model_dump(exclude={"state", "final"})
            assert seen[-1].data["final"] is False
            assert same(latest, wanted[-1])


def test_what_is_provisional_is_stored_nowhere_and_changes_nothing(live: Live, keys: redis.Redis, bench: Bench) -> None:
    with typing(live, f"{SPAM}&session_id=typed") as typed:
        typed.type("The cat sat")
        assert typed.event().data["index"] == 0
        assert keys.keys() == []
        typed.type(" on it. You won free money, cli")
        typed.until("provisional")
        assert live.client.get("/v1/sessions/typed?task=spam").json()["step"] == 1
        typed.type("ck.")
        typed.until("provisional")
        typed.end()
        (sentence, done), _ = typed.rest()
    alone = whole(bench, "The cat sat on it. You won free money, click.")
    assert sentence.id == done.data["session"]["step"] == 2
    assert sentence.data["probability"] == pytest.approx(alone["probability"], abs=1e-5)
    assert done.data["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_many_tiny_frames_do_not_score_the_same_again_and_again(
    live: Live, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a frame costs has a bound: provisional sentences are few in time, and short."""
    peeked: list[int] = []
    peek = Segmenter.peek

    def counted(segmenter: Segmenter) -> list[Sentence]:
        peeked.append(segmenter.kept)
        return peek(segmenter)

    monkeypatch.setattr(Segmenter, "peek", counted)
    with live.with_serving(bench.serving(frame_rate=1e6)):
        began = time.monotonic()
        for hostile in ("x", ".", "🙂 "):
            got, code = answer(live, [hostile] * 2500)
            assert (got[-1].name, code) == ("done", 1000)
        seconds = time.monotonic() - began
    assert len(peeked) <= seconds / sockets.PAUSE + 6
    assert all(kept <= 2 * LONGEST for kept in peeked)


def test_nothing_provisional_is_said_while_others_wait(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    batcher = live.serving.catalogue.resolve("spam").batcher

    def full() -> None:
        raise Overloaded("full")

    with typing(live) as typed:
        typed.type("The cat sat on it. You won free money.")
        assert typed.until("provisional")[-1].data["index"] == 1
        with monkeypatch.context() as patched:
            patched.setattr(batcher, "admit", full)
            typed.type(" And")
            with pytest.raises(TimeoutError):
                typed.socket.recv(0.5)
        typed.end()
        assert [event.name for event in typed.rest()[0]] == ["sentence", "sentence", "done"]


BAD: Final = {
    "task=span": "unknown_task",
    "": "invalid_request",
    "task=spam&threshold=2": "invalid_request",
    "task=spam&stop_at=0.5": "invalid_request",
    "task=spam&stop_at=1": "invalid_request",
    "task=spam&step=1": "invalid_request",
    "task=spam&model=mine": "unknown_model",
    "task=spam&session_id=a%20b": "invalid_request",
    "task=spam&session_id=none&step=4": "session_not_found",
}


@pytest.mark.parametrize("query", BAD)
def test_a_query_that_is_wrong_is_an_error_event_and_a_close_with_4000_and_its_status(live: Live, query: str) -> None:
    with typing(live, f"/v1/stream?{query}") as typed:
        (error,), code = typed.rest()
    assert (error.name, error.data["error"]["code"]) == ("error", BAD[query])
    assert code == (4404 if BAD[query] == "session_not_found" else 4400)


FRAMES: Final[dict[str, tuple[str | bytes, str, int]]] = {
    "no JSON": ("The cat", "invalid_request", 4400),
    "a list": ("[]", "invalid_request", 4400),
    "nothing": ("{}", "invalid_request", 4400),
    "both": ('{"text": "a", "end": true}', "invalid_request", 4400),
    "a number": ('{"text": 1}', "invalid_request", 4400),
    "not the end": ('{"end": false}', "invalid_request", 4400),
    "half a pair": ('{"text": "\\ud83d"}', "invalid_request", 4400),
    "binary": (b'{"text": "a"}', "unsupported_media", 4415),
    "too large": (json.dumps({"text": "x" * 2000}), "frame_too_large", 4413),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_that_is_wrong_ends_in_an_error_after_what_was_good(live: Live, bench: Bench, name: str) -> None:
    frame, error, close = FRAMES[name]
    with live.with_serving(bench.serving(max_frame=1999)), typing(live) as typed:
        typed.type("The cat sat on it. You won free money.")
        typed.socket.send(frame)
        (sentence, said), code = typed.rest()
    assert (sentence.name, said.name, said.data["error"]["code"], code) == ("sentence", "error", error, close)
    if error == "frame_too_large":
        assert "UNDERTONE_MAX_FRAME" in said.data["error"]["message"]


def test_too_much_in_all_and_silence_are_errors_that_name_their_settings(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(max_stream=100)), typing(live) as typed:
        typed.type("The cat sat on it. You won free money.")
        typed.type("x" * 100)
        (_, error), code = typed.rest()
        assert (error.data["error"]["code"], code) == ("text_too_long", 4413)
        assert "UNDERTONE_MAX_STREAM" in error.data["error"]["message"]
    with live.with_serving(bench.serving(idle=4)), typing(live) as typed:
        for _ in range(5):
            time.sleep(1)  # far less, also on a busy machine
            began = time.monotonic()
            typed.type("")  # keeps the connection
        (error,), code = typed.rest()
        assert 3.9 < time.monotonic() - began < PATIENCE
        assert (error.data["error"]["code"], code) == ("idle", 4408)
        assert "UNDERTONE_IDLE" in error.data["error"]["message"]


def test_the_request_timer_never_covers_what_is_typed(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(timeout=0.2)), typing(live) as typed:
        for _ in range(8):
            typed.type("The cat sat on it. ")
            time.sleep(0.1)
        typed.end()
        got, code = typed.rest()
    assert (got[-1].name, got[-1].data["read"], code) == ("done", 8 * 19, 1000)


def test_a_reader_that_does_not_read_holds_up_the_sending_and_is_left_at_last(bench: Bench) -> None:
    """Of what is sent, only what buffers of the kernel hold is taken, however much comes."""
    text = "The cat sat on it. You won free money! " * 400
    with (
        closing(bench.load()) as models,
        closing(Live(bench.serving(models, idle=6, frame_rate=1e6))) as live,
        silent(live, buffers=65536) as wire,
    ):
        assert stuck(wire, frame(text)) < 2**22
        assert live.tasks() > 0
        eventually(lambda: live.tasks() == 0, "it is left after the idle limit")
        assert live.post("/v1/predict", {"text": TEXT, "task": "spam"}).status_code == 200


def test_frames_are_read_no_faster_than_the_rate(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(frame_rate=20)):
        began = time.monotonic()
        got, code = answer(live, ["x "] * 120)  # 40 are saved up
        assert time.monotonic() - began > 3.8
        assert (got[-1].data["read"], code) == (240, 1000)


def test_frames_are_not_compressed_and_none_is_read_that_could_not_be_allowed(live: Live) -> None:
    most = 4 * Settings().max_frame
    with typing(live, compression="deflate") as typed:
        assert typed.socket.protocol.extensions == []
        typed.socket.send("x" * most)
        assert typed.rest()[1] == 4413
    with typing(live) as typed:
        larger = Frame(Opcode.TEXT, b"x" * (most + 1)).serialize(mask=True)
        typed.socket.socket.sendall(larger[:14])  # says how long it is, which is enough
        assert typed.rest() == ([], 1009)


def test_a_frame_of_the_widest_characters_may_be_as_long_as_any(live: Live, bench: Bench) -> None:
    head, tail = '{"text": "', '"}'
    widest = head + "🙂" * (Settings().max_frame - len(head + tail)) + tail
    with live.with_serving(bench.serving(max_text=2**21)), typing(live) as typed:
        typed.socket.send(widest)
        typed.end()
        got, code = typed.rest()
    assert (got[-1].name, code) == ("done", 1000)


def test_who_may_not_call_is_refused_before_the_handshake(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(api_keys=KEYS)):
        assert refused(live) == (401, "unauthorized")
        assert refused(live, subprotocols=["bearer", "wrong"]) == (401, "unauthorized")
        assert refused(live, subprotocols=["k", "bearer"]) == (401, "unauthorized")
        assert refused(live, subprotocols=["bearer"]) == (401, "unauthorized")
        assert refused(live, subprotocols=["bearer", "k"], origin="https://evil.example") == (403, "forbidden")
        with typing(live, subprotocols=["bearer", "k"]) as typed:
            assert typed.socket.subprotocol == "bearer"  # and not the key
            typed.end()
            assert typed.rest()[1] == 1000
        with typing(live, additional_headers={"authorization": "Bearer k"}) as typed:
            assert typed.socket.subprotocol is None
    assert refused(live, origin="https://evil.example") == (403, "forbidden")
    assert refused(live, additional_headers={"x-forwarded-for": "1.2.3.4"}) == (403, "forbidden")
    with typing(live, origin=f"http://127.0.0.1:{live.port}"):
        pass
    with live.with_serving(bench.serving(rate=0.01)):
        with typing(live):
            pass
        assert refused(live) == (429, "rate_limited")


def test_a_key_keeps_its_sessions_to_itself(live: Live, bench: Bench, keys: redis.Redis) -> None:
    with (
        live.with_serving(bench.serving(api_keys=KEYS)),
        typing(live, f"{SPAM}&session_id=mine", subprotocols=["bearer", "k"]) as typed,
    ):
        typed.type(TEXT)
        typed.end()
        typed.rest()
    assert keys.keys() == [b"undertone:anna:spam:mine"]


def test_there_is_a_websocket_at_one_path_only(live: Live) -> None:
    assert refused(live, "/v1/predict") == (404, "not_found")
    assert refused(live, "/") == (404, "not_found")


def test_handshakes_and_errors_are_counted(live: Live) -> None:
    metrics = live.serving.metrics

    def counted() -> list[float]:
        return [
            *(metrics.families.requests["/v1/stream", "WEBSOCKET", status].total for status in ("101", "403")),
            metrics.families.errors["/v1/stream", "unknown_task"].total,
        ]

    eventually(lambda: live.tasks() == 0, "what came before is counted")
    before = counted()
    answer(live, [TEXT])
    with typing(live, "/v1/stream?task=span") as typed:
        typed.rest()
    refused(live, origin="https://evil.example")
    eventually(lambda: counted() == [before[0] + 2, before[1] + 1, before[2] + 1], "all three are counted")


def test_a_client_that_goes_stops_the_work_and_leaves_the_session_at_its_last_event(
    live: Live, keys: redis.Redis
) -> None:
    eventually(lambda: live.tasks() == 0, "nothing runs")
    names = (f"gone-{number}" for number in itertools.count())

    def gone() -> Iterator[float]:
        for name in itertools.islice(names, 9):
            with typing(live, f"{SPAM}&session_id={name}") as typed:
                typed.type("The cat sat on it. You won free money. Cli")
                assert typed.until("sentence")[-1].id == 1
                yield live.left_after(partial(typed.socket.socket.shutdown, socket.SHUT_RDWR))
            assert live.client.get(f"/v1/sessions/{name}?task=spam").json()["step"] == 1

    mostly_within(GONE_SECONDS, gone)


def closes_one_end(wire: socket.socket) -> None:
    """Who goes on listening resets nothing."""
    wire.shutdown(socket.SHUT_WR)


LARGE: Final = "The cat sat on it. You won free money! " * 1600
CLOSES: Final = socket.socket.close
AHEAD: Final[dict[str, tuple[list[str], Callable[[socket.socket], None]]]] = {
    "large frames, which are scored": ([LARGE] * 16, CLOSES),
    "small frames, which are read no faster than the rate": (["x "] * 2000, CLOSES),
    "small frames, of which there is nothing to say": (["." * 4000, *["."] * 2000], CLOSES),
    "more frames than are read ahead, the first a large one": ([LARGE, *["x "] * 200], closes_one_end),
}


@pytest.mark.parametrize("name", AHEAD)
def test_a_client_that_goes_while_its_frames_are_far_ahead_stops_the_work_at_once(
    live: Live, keys: redis.Redis, name: str
) -> None:
    eventually(lambda: live.tasks() == 0, "nothing runs")
    model = live.serving.catalogue.resolve("spam")
    scored = live.serving.metrics.families.sentences["spam", model.name, model.digest]
    ids = (f"far-{number}" for number in itertools.count())

    def left(session: str) -> float:
        before = scored.total
        counted: list[float] = []
        # A client with a thread that reads has not left before that thread is at the end: until then its end waits
        # behind what it typed, and where it has no room for events nothing resets the connection.
        with silent(live, f"{SPAM}&session_id={session}") as wire:
            read_to(wire, b"\r\n\r\n")
            wire.sendall(frame("The cat sat on it. You won free money! Click"))
            read_to(wire, b'"sentence"')
            frames, leave = AHEAD[name]
            for text in frames:
                wire.sendall(frame(text))

            async def go() -> None:
                leave(wire)
                counted.append(scored.total)

            seconds = live.left_after(lambda: live.do(go()))
        assert scored.total - counted[0] <= 4 * TURN, "a turn or so, until the end of the connection is seen"
        step = live.client.get(f"/v1/sessions/{session}?task=spam").json()["step"]
        assert 1 <= step <= scored.total - before
        return seconds

    mostly_within(GONE_SECONDS, lambda: map(left, itertools.islice(ids, 3)))


def frame(text: str) -> bytes:
    return Frame(Opcode.TEXT, json.dumps({"text": text}).encode()).serialize(mask=True)


def read_to(wire: socket.socket, end: bytes) -> None:
    got = b""
    while end not in got:
        got += (piece := wire.recv(4096))
        assert piece, f"closed after {got!r}"


@contextmanager
def silent(live: Live, path: str = SPAM, buffers: int = 0) -> Iterator[socket.socket]:
    """A connection whose client reads nothing by itself; the kernel's buffers at both ends may be limited."""
    with socket.socket() as wire:
        for end in (wire, live._listening) if buffers else ():
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                end.setsockopt(socket.SOL_SOCKET, option, buffers)
        wire.settimeout(PATIENCE)
        wire.connect(("127.0.0.1", live.port))
        wire.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        yield wire


def test_a_ping_is_answered_and_who_answers_none_is_dropped(live: Live) -> None:
    with typing(live) as typed:
        assert typed.socket.ping().wait(PATIENCE)
    config = live._server.config
    before = config.ws_ping_interval, config.ws_ping_timeout
    try:
        config.ws_ping_interval, config.ws_ping_timeout = 0.1, 4
        with typing(live, ping_interval=None) as typed:
            time.sleep(4.5)
            typed.end()
            assert typed.rest()[1] == 1000  # the client's library answers by itself
        config.ws_ping_timeout = 1
        with silent(live) as wire:
            got = b""
            while data := wire.recv(4096):
                got += data
            assert got.endswith(b"\x03\xf3keepalive ping timeout")  # 1011
    finally:
        config.ws_ping_interval, config.ws_ping_timeout = before


def drive(serving: Serving) -> list[Message]:
    """What the whole application sends to a WebSocket that says nothing, where `begin` breaks."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def begin(*_: object) -> None:
        raise ZeroDivisionError("the secret")

    serving.begin = begin  # type: ignore[assignment,method-assign]
    scope = {"type": "websocket", "path": "/v1/stream", "query_string": b"task=spam", "subprotocols": []}
    scope |= {"headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1)}
    asyncio.run(Guard(application(lambda: serving), lambda: serving)(scope, receive, send))
    return sent


def test_what_breaks_is_a_close_with_1011_or_500_before_the_handshake_and_says_no_more(bench: Bench) -> None:
    accepted, closed = drive(bench.serving())
    assert (accepted["type"], closed["type"], closed["code"]) == ("websocket.accept", "websocket.close", 1011)

    def breaks(*_: object) -> None:
        raise ZeroDivisionError("the secret")

    serving = bench.serving()
    serving.access.check = breaks  # type: ignore[assignment,method-assign]
    start, body = drive(serving)
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 500)
    assert b"secret" not in body["body"]


def test_settings_have_the_documented_defaults() -> None:
    settings = Settings()
    assert (settings.idle, settings.max_frame, settings.frame_rate) == (60, 2**20, 200)
