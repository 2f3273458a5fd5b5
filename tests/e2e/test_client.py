"""The client library against the real service: streams both ways, sessions, and connections that break."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import pytest

from client import AsyncClient, Client, Done, Event, Link, Mail, Part, Refused, Sentence, Text, Unreachable
from models.sentences import split
from tests.e2e.proxy import BUSY, Cut, Proxy
from tests.e2e.server import ROOT, Service, free_port
from tests.waiting import eventually

PIECES: Final = [f"This is sentence number {n} of a mail about your account. " for n in range(12)]
TEXT: Final = "".join(PIECES)
EMAIL: Final = (ROOT / "tests" / "phishing.eml").read_bytes()

Read = Callable[..., list[Event]]


def blocking(url: str, text: Text | None, session: str | None = None, **options: Any) -> list[Event]:
    with Client(url) as client:
        if session is None:
            return list(client.stream(text, task="spam", **options))
        return list(client.session(session, task="spam").stream(text, **options))


def asynchronous(url: str, text: Text | None, session: str | None = None, **options: Any) -> list[Event]:
    async def read() -> list[Event]:
        async with AsyncClient(url) as client:
            if session is None:
                return [event async for event in client.stream(text, task="spam", **options)]
            return [event async for event in client.session(session, task="spam").stream(text, **options)]

    return asyncio.run(read())


both = pytest.mark.parametrize("read", [blocking, asynchronous])


def probabilities(events: list[Event]) -> list[float]:
    assert [event.index for event in events if isinstance(event, Sentence)] == list(range(len(events) - 1))
    assert isinstance(events[-1], Done)
    return [event.probability for event in events]


@pytest.fixture(scope="module")
def whole(service: Service) -> list[float]:
    """The probability after each sentence, and at the end."""
    with Client(service.url) as client:
        answer = client.predict(TEXT, task="spam")
    assert len(answer.sentences) == len(PIECES)
    return [*(sentence.probability for sentence in answer.sentences), answer.probability]


@both
def test_a_text_of_any_kind_is_streamed(read: Read, service: Service, whole: list[float], tmp_path: Path) -> None:
    (tmp_path / "mail.txt").write_text(TEXT)
    with (tmp_path / "mail.txt").open() as text, (tmp_path / "mail.txt").open("rb") as raw:
        kinds: list[Text] = [TEXT, TEXT.encode(), PIECES, iter([b"", *(p.encode() for p in PIECES)]), text, raw]
        kinds.append(io.StringIO(TEXT))
        for kind in kinds:
            assert probabilities(read(service.url, kind)) == pytest.approx(whole, abs=1e-5)


def test_a_mail_is_read_wherever_a_text_is(service: Service) -> None:
    with Client(service.url) as client:
        said = client.predict(email=EMAIL, task="spam")
        session = client.session("mails", task="spam")
        again = session.predict(email=EMAIL)
        *sentences, done = session.stream(email=EMAIL)
        for none_or_both in ({}, {"text": TEXT, "email": EMAIL}):
            with pytest.raises(TypeError, match="exactly one"):
                client.predict(task="spam", **none_or_both)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="exactly one"):
                next(client.stream(task="spam", **none_or_both))  # type: ignore[arg-type]
            with pytest.raises(TypeError, match="exactly one"):
                next(session.stream(**none_or_both))  # type: ignore[arg-type]
    link = Link(
        url="http://203.0.113.77/hb/prize.php", text="claim your free prize of loyalty points", mismatched=False
    )
    assert isinstance(said.mail, Mail)
    assert said.mail.parts == (Part(path="2", content_type="text/html", charset="utf-8"),)
    assert (said.mail.links[1], said.mail.hidden > 100) == (link, True)
    assert again.mail == said.mail
    assert isinstance(done, Done)
    assert done.mail == said.mail
    assert [event.text for event in sentences if isinstance(event, Sentence)] == [s.text for s in said.sentences]
    assert all(sentence.text for sentence in said.sentences)
    assert session.step == 2 * len(said.sentences)


@both
def test_a_mail_whose_stream_breaks_gives_every_event_once(read: Read, service: Service) -> None:
    with Client(service.url) as client:
        whole = client.predict(email=EMAIL, task="spam")
    with Proxy(service.port, [Cut(3), Cut(0)]) as proxy:
        events = read(proxy.url, None, email=EMAIL)
    assert len(proxy.requests) == 3
    assert probabilities(events) == pytest.approx([*(s.probability for s in whole.sentences), whole.probability])


def test_sentence_k_plus_2_is_withheld_until_the_event_of_sentence_k_has_come(service: Service) -> None:
    come = threading.Semaphore(2)

    def pieces() -> Iterator[str]:
        for piece in PIECES:
            assert come.acquire(timeout=60), "the event before the last has not come"
            yield piece

    with Client(service.url) as client:
        for _ in client.stream(pieces(), task="spam"):
            come.release()


def test_the_same_for_an_asynchronous_iterator(service: Service) -> None:
    async def main() -> list[Event]:
        come = asyncio.Semaphore(2)
        events: list[Event] = []

        async def pieces() -> AsyncIterator[str]:
            for piece in PIECES:
                async with asyncio.timeout(60):
                    await come.acquire()
                yield piece

        async with AsyncClient(service.url) as client:
            async for event in client.stream(pieces(), task="spam"):
                events.append(event)
                come.release()
        return events

    assert len(asyncio.run(main())) == len(PIECES) + 1


@both
@pytest.mark.parametrize("session", [None, "cut"])
def test_a_connection_that_breaks_gives_every_event_once(
    read: Read, session: str | None, service: Service, whole: list[float]
) -> None:
    name = session and f"{session}-{read.__name__}"
    with Proxy(service.port, [*[None] * (session is not None), Cut(3), Cut(0), Cut(2), Cut(1)]) as proxy:
        events = read(proxy.url, iter(PIECES), name)
    assert probabilities(events) == pytest.approx(whole, abs=1e-5)
    streams = [request for request in proxy.requests if b"/v1/stream" in request]
    told = [b"last-event-id: 3\r\n" in request.lower() for request in streams]
    if session:  # what the service still wrote when a connection broke can be in the way of the next, which is repeated
        assert len(streams) >= 5
        assert [told for told, _ in groupby(told)] == [False, True, False]
        assert all(b"step=0" in request for request in streams)
        done = events[-1]
        assert isinstance(done, Done)
        assert done.session is not None
        assert done.session.step == len(PIECES)
    else:
        assert told == [False, True, True, False, False]


def test_an_answer_that_was_lost_counts_once(service: Service) -> None:
    with Proxy(service.port, [Cut(0)]) as proxy, Client(proxy.url) as client:
        session = client.session("lost", task="spam", step=0)
        answer = session.predict(PIECES[0])
        assert answer.session is not None
        assert answer.session.replayed
        assert session.step == 1
        assert len(proxy.requests) == 2
        assert session.predict(PIECES[1]).sentences[0].index == 1


@both
def test_who_is_told_to_come_later_does(read: Read, service: Service, whole: list[float]) -> None:
    with Proxy(service.port, [BUSY]) as proxy:
        assert probabilities(read(proxy.url, TEXT)) == pytest.approx(whole, abs=1e-5)
        first, second = proxy.times
        assert second - first >= 1


def test_503_and_then_200_of_a_plain_request(service: Service) -> None:
    with Proxy(service.port, [BUSY, BUSY]) as proxy, Client(proxy.url) as client:
        assert client.predict(PIECES[0], task="spam").label == "ham"
        assert len(proxy.requests) == 3
    with Proxy(service.port, [BUSY, BUSY]) as proxy, Client(proxy.url, retries=1) as client:
        with pytest.raises(Refused) as refused:
            client.predict(PIECES[0], task="spam")
        assert (refused.value.code, refused.value.retry_after, len(proxy.requests)) == ("overloaded", 1, 2)


def test_a_conversation_keeps_its_step(service: Service) -> None:
    with Client(service.url) as client:
        session = client.session("talk", task="spam")
        session.predict("Hello Anna, thank you for your order.")
        *sentences, done = session.stream(["It left today. ", "Click here now!"])
        assert [sentence.index for sentence in sentences if isinstance(sentence, Sentence)] == [1, 2]
        assert session.step == 3
        again = client.session("talk", task="spam")
        assert again.state().probability == pytest.approx(done.probability, abs=1e-5)
        assert again.predict("Bye now!").sentences[0].index == 3
        with pytest.raises(Refused) as refused:
            session.predict("Something else.")
        assert (refused.value.status, refused.value.code, refused.value.expected_step) == (409, "wrong_step", 4)
        session.forget()
        assert session.step == 0
        with pytest.raises(Refused, match="session_not_found"):
            session.state()


def test_a_stream_that_is_left_early_does_not_put_the_session_out_of_step(service: Service) -> None:
    left = threading.Event()

    def pieces() -> Iterator[str]:
        yield from PIECES[:4]
        left.wait(60)

    with Client(service.url) as client:
        session = client.session("left", task="spam")
        stream = session.stream(pieces())
        next(stream)
        eventually(lambda: service.streams() == 1, "the stream is open")
        stream.close()  # type: ignore[attr-defined]
        left.set()
        assert session.step is None
        eventually(lambda: service.streams() == 0, "nothing more is counted")
        answer = session.predict("And this is what follows.")
        assert 1 <= answer.sentences[0].index <= 4


def test_errors_say_what_the_service_says(service: Service) -> None:
    with Client(service.url) as client:
        with pytest.raises(Refused) as refused:
            client.predict(" ", task="spam")
        assert (refused.value.status, refused.value.code, refused.value.field) == (400, "empty_text", "text")
        with pytest.raises(Refused, match="unknown_task"):
            list(client.stream(TEXT, task="span"))
        good, bad = client.predict_batch([PIECES[0], ""], task="spam", model="spam-conv1d", threshold=0.9)
        assert not isinstance(good, Refused)
        assert (good.model.name, good.threshold) == ("spam-conv1d", 0.9)
        assert isinstance(bad, Refused)
        assert bad.field == "texts.1"
        with pytest.raises(Refused) as inside:
            list(client.stream([b"A first sentence, which is good. And a second one. ", b"\xff"], task="spam"))
        assert (inside.value.status, inside.value.code) == (200, "invalid_encoding")
    with Client(f"http://127.0.0.1:{free_port()}", retries=1) as nobody:
        with pytest.raises(Unreachable, match="ConnectError"):
            nobody.predict(TEXT, task="spam")
        with pytest.raises(Unreachable, match="ConnectError"):
            list(nobody.stream(TEXT, task="spam"))


@both
def test_what_the_iterator_raises_comes_out(read: Read, service: Service) -> None:
    def pieces() -> Iterator[str]:
        yield PIECES[0]
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        read(service.url, pieces())


def test_what_is_loaded_and_how_it_is(service: Service) -> None:
    with Client(service.url) as client:
        assert {model.task for model in client.models() if model.default} == {"spam", "sentiment"}
        assert client.status().status == "ok"
        assert [s.length for s in client.predict(TEXT, task="spam").sentences] == [s.length for s in split(TEXT)]


@both
def test_what_a_newer_service_says_beside_is_left_out(read: Read, service: Service) -> None:
    verdict = {"task": "spam", "label": "ham", "probability": 0.25, "probabilities": {"ham": 0.75, "spam": 0.25}}
    about = {"prior": 0, "threshold": 0.5, "decided_at": 0, "warnings": [], "model": {"name": "m", "digest": "d"}}
    done = {**verdict, **about, "reason": "decided", "read": 9, "left": 3, "mood": "good"}
    said = {"index": 0, "offset": 0, "length": 3, "probability": 0.5, "delta": 0.5, "mood": "good"}
    lines = [": beat", "", "event: sentence", f"data: {json.dumps(said | {'final': False})}", "", ": beat", ""]
    lines += [
        "id: 1",
        "event: sentence",
        "mood: good",
        f"data: {json.dumps(said)}",
        "",
        "event: mood",
        "data: good",
        "",
    ]
    lines += ["event: done", f"data: {json.dumps(done)}", "", ""]
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
    with Proxy(service.port, [(head + "\n".join(lines)).encode()]) as proxy:
        provisional, sentence, last = read(proxy.url, TEXT, stop_at=0.9)
        assert isinstance(provisional, Sentence)
        assert isinstance(sentence, Sentence)
        assert (provisional.final, sentence.final, sentence.probability) == (False, True, 0.5)
        assert isinstance(last, Done)
        assert (last.reason, last.read, last.left) == ("decided", 9, 3)
        assert b"stop_at=0.9" in proxy.requests[0]


def test_a_key_is_sent_with_everything(service: Service) -> None:
    with Proxy(service.port, []) as proxy, Client(proxy.url, "open sesame") as client:
        client.predict(TEXT, task="spam")
        list(client.stream(TEXT, task="spam"))
        assert [b"\r\nauthorization: bearer open sesame\r\n" in r.lower() for r in proxy.requests] == [True, True]
