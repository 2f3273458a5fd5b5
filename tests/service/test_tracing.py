"""Traces at a real receiver: a span a request with its phases below it, and none where nobody asked for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest
import redis

from service.tracing import EXPORT_SECONDS, Tracing
from tests.service.live import TEXT, Bench, Live
from tests.service.receiver import Receiver, attributes
from tests.waiting import PATIENCE, eventually

GOOD = {"text": TEXT, "task": "spam"}
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def traced(live: Live, bench: Bench, receiver: Receiver, keys: redis.Redis) -> Iterator[Live]:
    serving = bench.serving(traces=receiver.url)
    with live.with_serving(serving):
        yield live
        if serving.tracing is not None:
            live.do(serving.tracing.close())


def flush(live: Live) -> None:
    tracing = live.serving.tracing
    assert tracing is not None
    eventually(lambda: live.tasks() == 0, "the requests have ended")
    assert tracing._provider.force_flush(int(PATIENCE * 1000))


def test_a_request_is_a_span_and_its_phases_are_below_it(traced: Live, receiver: Receiver) -> None:
    before = time.time_ns()
    traced.post("/v1/predict", GOOD | {"session_id": "secret-name"}, x_request_id="a-request")
    flush(traced)
    root, below = receiver.of("a-request")
    assert root is not None
    assert root.name == "POST /v1/predict"
    assert root.kind == root.SPAN_KIND_SERVER
    assert attributes(root) == {
        "http.route": "/v1/predict",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "request.id": "a-request",
    }
    names = [span.name for span in sorted(below, key=lambda span: span.start_time_unix_nano)]
    assert set(names) == {"parse", "redis", "segment", "queue", "tokenize", "model", "serialise"}
    assert names.count("redis") == 2
    assert names.index("segment") < names.index("queue") < names.index("tokenize") < names.index("model")
    for span in below:
        assert before <= root.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= root.end_time_unix_nano
    assert b"secret-name" not in receiver.raw
    assert TEXT.split(".", maxsplit=1)[0].encode() not in receiver.raw


def test_a_callers_trace_goes_on_as_it_says(traced: Live, receiver: Receiver) -> None:
    for flags, name in (("01", "kept"), ("00", "dropped")):
        traced.post("/v1/predict", GOOD, x_request_id=name, traceparent=f"00-{TRACE}-{SPAN}-{flags}")
    traced.post("/v1/predict", GOOD, x_request_id="damaged", traceparent="00-nothing")
    flush(traced)
    root, below = receiver.of("kept")
    assert root is not None
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (TRACE, SPAN)
    assert below
    assert all(span.trace_id == root.trace_id for span in below)
    assert receiver.of("dropped") == (None, [])
    damaged, _ = receiver.of("damaged")
    assert damaged is not None
    assert damaged.trace_id.hex() != TRACE


def test_errors_are_named_and_those_of_this_side_are_marked(
    traced: Live, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret of anna")

    traced.post("/v1/predict", GOOD | {"text": ""}, x_request_id="theirs")
    with monkeypatch.context() as patched:
        patched.setattr(traced.serving, "answer", broken)
        traced.post("/v1/predict", GOOD, x_request_id="ours")
    flush(traced)
    (theirs, _), (ours, _) = receiver.of("theirs"), receiver.of("ours")
    assert theirs is not None
    assert ours is not None
    assert (attributes(theirs)["error.type"], theirs.status.code) == ("empty_text", theirs.status.STATUS_CODE_UNSET)
    assert (attributes(ours)["error.type"], ours.status.code) == ("internal", ours.status.STATUS_CODE_ERROR)
    assert b"secret" not in receiver.raw


def test_they_are_off_unless_they_are_asked_for(bench: Bench) -> None:
    assert bench.serving().tracing is None


def test_a_collector_that_is_away_holds_up_neither_a_request_nor_the_end(live: Live, bench: Bench) -> None:
    serving = bench.serving(traces="http://127.0.0.1:9")
    with live.with_serving(serving):
        assert live.post("/v1/predict", GOOD).status_code == 200
        tracing = serving.tracing
        assert isinstance(tracing, Tracing)
        began = time.monotonic()
        live.do(asyncio.wait_for(tracing.close(), PATIENCE))
        assert time.monotonic() - began < 3 * EXPORT_SECONDS
