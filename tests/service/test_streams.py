"""Streams: the bytes of both forms, when each event comes, what comes again, and what is left when a client goes."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
import re
from typing import Any, Final

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from models.sentences import AFTER
from service.serving import AT_ONCE, Serving
from service.wire import PredictIn
from tests.models.tiny import SIZES
from tests.service.live import TEXT, Bench, Event, Live, Upload, drive, events, examples
from tests.waiting import eventually

SPAM: Final = "/v1/stream?task=spam"
OPENING: Final = b": undertone\nretry: 2000\n\n"
NDJSON: Final = "application/x-ndjson"
PIECES: Final = [
    "The cat. ",
    "You won free money! ",
    "\u200b",
    "é",
    "🙂 ",
    "\n\n",
    "Dr. ",
    "3.5 ",
    "click ",
    "\x00",
    "...",
    "你好。",
]
END: Final = {"reason": "end", "left": 0}
"""What `done` says at the end of a text, beside `read` and what predict says."""
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=15).map("".join)


def whole(bench: Bench, text: str, task: str = "spam") -> dict[str, Any]:
    prediction = bench.run(lambda serving: serving.predict("public", PredictIn(text=text, task=task)))
    return prediction.model_dump(exclude={"session"})


def streamed(bench: Bench, pieces: list[bytes], target: str = SPAM, **headers: str) -> bytes:
    status, raw = bench.run(lambda serving: drive(serving, pieces, target, **headers))
    assert status == 200
    return raw


def same(said: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Equal to 1e-5 in every number."""
    return said.keys() == wanted.keys() and all(
        value == pytest.approx(wanted[key], abs=1e-5) if isinstance(value, float | dict) else value == wanted[key]
        for key, value in said.items()
        if key != "model"
    )


@pytest.mark.parametrize("as_json", [False, True])
def test_server_sent_events_byte_for_byte(bench: Bench, as_json: bool) -> None:
    if as_json:
        body = json.dumps({"text": TEXT, "task": "spam"}).encode()
        raw = streamed(bench, [body], "/v1/stream", content_type="application/json")
    else:
        raw = streamed(bench, [TEXT.encode()])
    assert raw.startswith(OPENING)
    blocks = raw.removeprefix(OPENING).split(b"\n\n")
    assert blocks.pop() == b""
    for number, block in enumerate(blocks[:-1], start=1):
        found = re.fullmatch(rb"id: (\d+)\nevent: sentence\ndata: (\{.*\})", block)
        assert found is not None
        assert int(found[1]) == number
        data = json.loads(found[2])
        assert list(data) == ["index", "offset", "length", "probability", "delta", "state"]
        assert json.dumps(data, separators=(",", ":")).encode() == found[2]
    assert len(blocks) == 6
    done = re.fullmatch(rb"event: done\ndata: (\{.*\})", blocks[-1])
    assert done is not None
    assert json.loads(done[1])["reason"] == "end"


def test_json_lines_byte_for_byte_say_the_same(bench: Bench) -> None:
    raw = streamed(bench, [TEXT.encode()], accept=NDJSON)
    lines = raw.split(b"\n")
    assert lines.pop() == b""
    said = [json.loads(line) for line in lines]
    assert [json.dumps(line, separators=(",", ":")).encode() for line in said] == lines
    assert [list(line)[:2] for line in said] == [["event", "id"]] * 5 + [["event", "task"]]
    found = [Event(line.pop("event"), line.pop("id", None), line) for line in said]
    assert found == events(streamed(bench, [TEXT.encode()]))


@pytest.mark.parametrize(
    ("model", "size"), [("spam-gru", SIZES["gru"]["hidden"]), ("spam-conv1d", 3 * SIZES["conv1d"]["filters"])]
)
def test_events_say_what_predict_says_and_what_the_readout_sees(bench: Bench, model: str, size: int) -> None:
    *sentences, done = events(streamed(bench, [TEXT.encode()], f"{SPAM}&model={model}"))
    request = PredictIn(text=TEXT, task="spam", model=model)
    wanted = bench.run(lambda serving: serving.predict("public", request)).model_dump(exclude={"session"})
    states = [sentence.data.pop("state") for sentence in sentences]
    assert all(len(state) == size and all(math.isfinite(x) for x in state) for state in states)
    assert len({tuple(state) for state in states}) == 5
    said = wanted.pop("sentences")
    assert all(same(event.data, sentence) for event, sentence in zip(sentences, said, strict=True))
    assert same(done.data, wanted | END | {"read": len(TEXT)})


@given(texts, st.data())
@examples(60)
def test_any_cut_of_the_bytes_gives_what_the_whole_text_gives(bench: Bench, text: str, data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=12)))
    pieces = [raw[a:b] for a, b in itertools.pairwise([0, *cuts, len(raw)])]
    *sentences, done = events(streamed(bench, pieces))
    assert done.name == "done"
    if not text.strip():
        assert sentences == []
        return
    wanted = whole(bench, text)
    said = wanted.pop("sentences")
    for event in sentences:
        del event.data["state"]
    assert all(same(event.data, sentence) for event, sentence in zip(sentences, said, strict=True))
    assert same(done.data, wanted | END | {"read": len(text)})


def test_a_long_piece_is_read_in_parts_that_change_nothing(bench: Bench) -> None:
    text = ("The cat sat on the film. You won! " * 2000)[: 2 * AT_ONCE + 7]
    wanted = [(s["index"], s["offset"], s["length"]) for s in whole(bench, text)["sentences"]]
    for body, headers in (
        (text.encode(), {}),
        (json.dumps({"text": text, "task": "spam"}).encode(), {"content_type": "application/json"}),
    ):
        *sentences, _ = events(streamed(bench, [body], **headers))
        assert [(e.data["index"], e.data["offset"], e.data["length"]) for e in sentences] == wanted


@pytest.mark.parametrize("body", [b"", b" \n\t "])
def test_an_empty_stream_is_done_at_the_prior(bench: Bench, keys: redis.Redis, body: bytes) -> None:
    for target in (SPAM, f"{SPAM}&session_id=empty"):
        (done,) = events(streamed(bench, [body], target))
        assert done.name == "done"
        assert done.data["probability"] == pytest.approx(1 / (1 + math.exp(-done.data["prior"])))
        assert (done.data["decided_at"], done.data["warnings"]) == (None, ["no_words"])
        assert done.data["label"] == ("spam" if done.data["probability"] >= 0.5 else "ham")
    assert (done.data["session"]["step"], done.data["session"]["created"]) == (0, False)
    assert keys.keys() == []


def test_an_empty_stream_repeats_nothing(bench: Bench, keys: redis.Redis) -> None:
    async def use(serving: Serving) -> None:
        first = await serving.predict("public", PredictIn(text=TEXT, task="spam", session_id="s"))
        (done,) = events((await drive(serving, [], f"{SPAM}&session_id=s"))[1])
        assert done.data["session"]["step"] == 5
        assert not done.data["session"]["replayed"]
        assert done.data["probability"] == pytest.approx(first.probability, abs=1e-6)
        assert done.data["decided_at"] == first.decided_at

    bench.run(use)


def test_the_answer_begins_before_any_text_has_been_sent(live: Live) -> None:
    with Upload(live.port, SPAM) as upload:
        upload.until(lambda u: u.body == OPENING)
        assert (upload.status, upload.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    with Upload(live.port, SPAM, accept=NDJSON) as upload:
        upload.until(lambda u: u.status == 200)
        assert upload.headers["content-type"] == "application/x-ndjson; charset=utf-8"


def test_a_sentences_event_has_come_before_the_next_but_one_is_sent(live: Live) -> None:
    with Upload(live.port, SPAM) as upload:
        for k in range(30):
            upload.send(f"The cat sat on film number {k}. ")
            upload.sentences(k)  # all but the one that may still go on
        upload.end()
        assert [event.id for event in upload.whole().events] == [*range(1, 31), None]


@pytest.mark.parametrize("task", ["spam", "sentiment"])
def test_a_sentences_event_has_come_before_the_17th_code_point_after_its_end(live: Live, task: str) -> None:
    with Upload(live.port, f"/v1/stream?task={task}") as upload:
        for character in "You won free money!" + " The é sat on 🙂 film"[:AFTER]:
            upload.send(character)
        (event,) = upload.sentences(1).events
        assert (event.data["offset"], event.data["length"]) == (0, 19)


BAD: Final = {
    "not UTF-8": ([b"The cat sat on it. You won a lot of ", b"free money \xff. The end"], "invalid_encoding"),
    "cut within a character": ([b"The cat sat on it. You won free money. \xf0\x9f"], "invalid_encoding"),
    "too long": ([b"The cat sat on it. You won free money.", b"x" * 100], "text_too_long"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("accept", ["text/event-stream", NDJSON])
def test_a_bad_text_ends_in_an_error_after_what_was_good(bench: Bench, name: str, accept: str) -> None:
    pieces, code = BAD[name]
    _, raw = bench.run(lambda serving: drive(serving, pieces, SPAM, accept=accept), max_stream=100)
    if accept == NDJSON:
        found = [(line["event"], line) for line in map(json.loads, raw.splitlines())]
    else:
        found = [(event.name, event.data) for event in events(raw)]
    assert [event for event, _ in found] == ["sentence", "error"]
    assert found[1][1]["error"]["code"] == code


def test_what_breaks_ends_in_an_error_that_says_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret")

    monkeypatch.setattr("service.scoring.Tally.stream", broken)
    raw = streamed(bench, [TEXT.encode()])
    (error,) = events(raw)
    assert (error.name, error.data["error"]["code"]) == ("error", "internal")
    assert b"secret" not in raw
    assert b"ZeroDivision" not in raw


def ids(raw: bytes) -> list[int | str]:
    return [event.id or event.data.get("error", {}).get("code", event.name) for event in events(raw)]


@pytest.mark.parametrize(
    ("last", "wanted"), [("0", [1, 2, 3, 4, 5, "done"]), ("3", [4, 5, "done"]), ("5", ["done"]), ("9", ["done"])]
)
def test_events_that_were_seen_are_not_sent_again(bench: Bench, last: str, wanted: list[int | str]) -> None:
    assert ids(streamed(bench, [TEXT.encode()], last_event_id=last)) == wanted


def test_a_repeated_stream_gives_the_same_and_writes_nothing(bench: Bench, keys: redis.Redis) -> None:
    target = f"{SPAM}&session_id=s&step=0"
    pieces = [TEXT[i : i + 5].encode() for i in range(0, len(TEXT), 5)]

    async def use(serving: Serving) -> None:
        _, first = await drive(serving, pieces, target)
        stored = keys.dump("undertone:public:spam:s")
        _, again = await drive(serving, pieces, target)
        *before, done = events(first)
        *after, done_again = events(again)
        # What comes again is scored in other groups, and float32 then adds up otherwise, on some processors.
        assert [(event.name, event.id) for event in after] == [(event.name, event.id) for event in before]
        for event, first_event in zip(after, before, strict=True):
            assert event.data.pop("state") == pytest.approx(first_event.data.pop("state"), abs=1e-5)
            assert same(event.data, first_event.data)
        assert done.data.pop("session") | {"created": False, "replayed": True} == done_again.data.pop("session")
        assert same(done_again.data, done.data)
        assert keys.dump("undertone:public:spam:s") == stored
        predicted = await serving.predict("public", PredictIn(text=TEXT, task="spam", session_id="s", step=0))
        assert predicted.session is not None
        assert predicted.session.replayed

    bench.run(use)


@pytest.mark.parametrize("text", ["The cat sat on the film. You won.", TEXT.replace("good", "bad"), "", "Other. " * 9])
def test_a_repeat_that_is_none_gives_no_event_but_the_error_and_writes_nothing(
    bench: Bench, keys: redis.Redis, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    target = f"{SPAM}&session_id=s&step=0"

    async def use(serving: Serving) -> None:
        await drive(serving, [TEXT.encode()], target)
        stored = keys.dump("undertone:public:spam:s")
        scored = serving.metrics.families.sentences["spam", "spam-gru", bench.catalogue.resolve("spam").digest]
        before = scored.total
        (error,) = events((await drive(serving, [text.encode()], target))[1])
        assert error.data["error"]["code"] == "wrong_step"
        assert error.data["error"]["expected_step"] == 5
        assert keys.dump("undertone:public:spam:s") == stored
        assert scored.total == before

    bench.run(use)


def test_a_repeat_that_goes_on_is_counted_once(bench: Bench, keys: redis.Redis) -> None:
    target = f"{SPAM}&session_id=s&step=0"
    more = TEXT + ". You won free money! Click, click."

    async def use(serving: Serving) -> None:
        await drive(serving, [TEXT.encode()], target)
        _, raw = await drive(serving, [more[i : i + 40].encode() for i in range(0, len(more), 40)], target)
        assert ids(raw) == ["wrong_step"]  # "The end" has become "The end."
        await serving.forget("public", "s", None)
        await drive(serving, [TEXT.encode() + b"."], target)
        _, raw = await drive(serving, [more[i : i + 40].encode() for i in range(0, len(more), 40)], target)
        assert ids(raw) == [1, 2, 3, 4, 5, 6, 7, "done"]
        done = events(raw)[-1].data
        assert (done["session"]["step"], done["session"]["replayed"]) == (7, False)
        alone = await serving.predict("public", PredictIn(text=more, task="spam"))
        assert done["probability"] == pytest.approx(alone.probability, abs=1e-5)

    bench.run(use)


def test_a_client_that_goes_stops_the_work_and_leaves_no_task(live: Live) -> None:
    eventually(lambda: live.tasks() == 0, "nothing runs")
    uploads = [Upload(live.port, f"{SPAM}&session_id=gone-{i}") for i in range(10)]
    for upload in uploads:
        upload.send("The cat sat on it. You won free money. Click")
    for upload in uploads:
        upload.sentences(1)
    assert live.tasks() >= 20
    for upload in uploads:
        upload.close()
    eventually(lambda: live.tasks() == 0, "nothing is left")


def test_a_reader_that_is_slow_holds_the_stream_up_and_not_the_memory(bench: Bench) -> None:
    """What is read ahead of the scoring is bounded: a body is asked for only as fast as it is scored."""

    async def use(serving: Serving) -> None:
        from service.guard import Guard
        from service.inbox import WAITING
        from service.routes import application

        taken = itertools.count(1)
        stuck, seen = asyncio.Event(), [0]

        async def receive() -> dict[str, Any]:
            seen[0] = next(taken)
            if seen[0] > 100:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": b"The cat sat on it. ", "more_body": True}

        async def send(message: dict[str, Any]) -> None:
            if b"event: sentence" in message.get("body", b""):
                stuck.set()
                await asyncio.Event().wait()

        headers = [(b"host", b"localhost"), (b"content-type", b"text/plain")]
        scope = {"type": "http", "method": "POST", "path": "/v1/stream", "query_string": b"task=spam"}
        scope |= {"headers": headers, "client": ("127.0.0.1", 1)}
        app = Guard(application(lambda: serving), lambda: serving)
        work = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
        await stuck.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert seen[0] <= WAITING + 6
        work.cancel()
        await asyncio.wait([work])

    bench.run(use)
