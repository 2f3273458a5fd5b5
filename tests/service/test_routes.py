"""The HTTP API over a socket: one shape of error, one order of checks, and nothing internal in any answer."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import itertools
import json
import math
import socket
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import pytest
from starlette.requests import Request
from starlette.types import Message

import service.serving
from models.sentences import Sentence
from service.access import Bucket
from service.guard import LINGER_BYTES, NATIVE
from service.routes import SLICE, _written, predict_batch
from service.serving import AT_ONCE, Serving
from service.wire import BatchIn, PredictIn, Prediction
from tests.service.live import CARD, FIGURES, TEXT, Bench, Live, events
from tests.waiting import PATIENCE

T = TypeVar("T")

KEY: Final = {"authorization": "Bearer k"}
API_KEYS: Final = {hashlib.sha256(b"k").hexdigest(): "anna"}
GOOD: Final = {"text": TEXT, "task": "spam"}
MANY: Final = {"texts": [TEXT], "task": "spam"}
BATCHES: Final = ("/v1/predict_batch", "/predict_batch")
INTERNAL: Final = (
    "Traceback",
    "/service",
    "site-packages",
    "pydantic",
    "starlette",
    "Error(",
    "Exception",
    "0x",
    ".py",
)


def detail(response: httpx.Response) -> dict[str, Any]:
    """The error, once its shape is found right."""
    said = response.json()
    assert list(said) == ["error"], said
    error: dict[str, Any] = said["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "field", "limit", "value", "expected_step"}
    assert response.headers["content-type"] == "application/json"
    assert not any(word in response.text for word in INTERNAL), response.text
    assert ("retry-after" in response.headers) == (response.status_code in (429, 503))
    return error


async def turns(work: Coroutine[Any, Any, T]) -> tuple[int, T]:
    """How many turns of the loop everybody else has while `work` is done, and what it gives."""
    count, task = 0, asyncio.ensure_future(work)
    while not task.done():
        count += 1
        await asyncio.sleep(0)
    return count, await task


@pytest.fixture(scope="module")
def hurdles(bench: Bench, live: Live) -> Iterator[dict[str, Serving]]:
    """Servings of which each has one thing in its way."""
    full = bench.load(queue=0)
    near: dict[str, Any] = {"api_keys": API_KEYS, "max_body": 4096, "max_text": 200}
    dead: dict[str, Any] = {**near, "redis_url": "unix:///nowhere/none.sock"}
    slow: dict[str, Any] = {"rate": 1e-6}
    servings = {
        "": bench.serving(**near),
        "queue": bench.serving(full, **near),
        "store": bench.serving(**dead),
        "queue store": bench.serving(full, **dead),
        "rate": bench.serving(**near, **slow),
        "rate queue": bench.serving(full, **near, **slow),
        "rate store": bench.serving(**dead, **slow),
        "rate queue store": bench.serving(full, **dead, **slow),
    }
    yield servings
    for serving in servings.values():
        live.do(serving.store.close())
    full.close()


# In the order in which they are checked; the last of them is of the session, which does not exist.
DEFECTS: Final = {
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "unauthorized": 401,
    "rate_limited": 429,
    "not_acceptable": 406,
    "unsupported_media": 415,
    "invalid_json": 400,
    "invalid_request": 400,
    "text_too_long": 413,
    "overloaded": 503,
    "store_unavailable": 503,
    "session_not_found": 404,
}
PAIRS: Final = [
    (first, second) for first, second in itertools.combinations(DEFECTS, 2) if second != "method_not_allowed"
]


def faulty(live: Live, hurdles: dict[str, Serving], path: str, defects: set[str]) -> httpx.Response:
    """The answer to a request with these defects."""
    state = {"rate_limited": "rate", "overloaded": "queue", "store_unavailable": "store"}
    serving = hurdles[" ".join(word for code, word in state.items() if code in defects)]
    if "rate_limited" in defects:
        bucket = serving.access._buckets["anna"] = Bucket(serving.settings.rate)
        bucket._tokens = 0.0
    session = "session_not_found" in defects or "store_unavailable" in defects
    asked = GOOD | ({"session_id": "none", "step": 3} if session else {})
    asked |= {"surprise": 1} if "invalid_request" in defects else {}
    asked |= {"text": "x" * 201} if "text_too_long" in defects else {}
    body = json.dumps(asked) + ("}" if "invalid_json" in defects else "") + " " * 4096 * ("body_too_large" in defects)
    headers = {
        "authorization": "Bearer wrong" if "unauthorized" in defects else "Bearer k",
        "content-type": "text/html" if "unsupported_media" in defects else "application/json",
        "accept": "image/png" if "not_acceptable" in defects else "*/*",
    }
    method = "PUT" if "method_not_allowed" in defects else "POST"
    before, live.serving = live.serving, serving
    try:
        path = "/v1/nothing" if "not_found" in defects else path
        return live.client.request(method, path, content=body, headers=headers)
    finally:
        live.serving = before


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream", "/predict"])
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_defects_the_earlier_one_is_told(
    live: Live, hurdles: dict[str, Serving], path: str, first: str, second: str
) -> None:
    defects = {first, second}
    if "not_acceptable" in defects and path != "/v1/stream":
        defects.remove("not_acceptable")  # one form of answer: the header is not asked
    response = faulty(live, hurdles, path, defects)
    wanted = next(code for code in DEFECTS if code in defects)
    assert (detail(response)["code"], response.status_code) == (wanted, DEFECTS[wanted])


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream", "/predict"])
def test_without_a_defect_it_is_answered(live: Live, hurdles: dict[str, Serving], path: str) -> None:
    assert faulty(live, hurdles, path, set()).status_code == 200


BAD: Final[list[tuple[str, bytes | dict[str, Any], int, str, str | None]]] = [
    ("nothing", b"", 400, "invalid_json", None),
    ("half", b'{"text": "a", "task', 400, "invalid_json", None),
    ("more", b'{"text": "a", "task": "spam"} {}', 400, "invalid_json", None),
    ("not UTF-8", b'{"text": "\xff", "task": "spam"}', 400, "invalid_json", None),
    ("lone surrogate", b'{"text": "a \\ud800 b", "task": "spam"}', 400, "invalid_json", None),
    ("lone low surrogate", b'{"text": "a \\udc00 b", "task": "spam"}', 400, "invalid_json", None),
    ("deep", b'{"text": ' + b"[" * 100_000, 400, "invalid_json", None),
    ("a huge number", b'{"text": "a", "task": "spam", "step": ' + b"9" * 5000 + b"}", 400, "invalid_json", None),
    ("a list", b"[]", 400, "invalid_request", "body"),
    ("null", b"null", 400, "invalid_request", "body"),
    ("no text", {"task": "spam"}, 400, "invalid_request", "text"),
    ("no task", {"text": "a"}, 400, "invalid_request", "task"),
    ("text is a number", GOOD | {"text": 1}, 400, "invalid_request", "text"),
    ("text is null", GOOD | {"text": None}, 400, "invalid_request", "text"),
    ("task is a list", GOOD | {"task": ["spam"]}, 400, "invalid_request", "task"),
    ("step is a string", GOOD | {"session_id": "s", "step": "1"}, 400, "invalid_request", "step"),
    ("step is a bool", GOOD | {"session_id": "s", "step": True}, 400, "invalid_request", "step"),
    ("step is negative", GOOD | {"session_id": "s", "step": -1}, 400, "invalid_request", "step"),
    ("step without session", GOOD | {"step": 0}, 400, "invalid_request", "step"),
    ("session with a colon", GOOD | {"session_id": "a:b"}, 400, "invalid_request", "session_id"),
    ("session with a newline", GOOD | {"session_id": "a\n"}, 400, "invalid_request", "session_id"),
    ("empty session", GOOD | {"session_id": ""}, 400, "invalid_request", "session_id"),
    ("session of a dot", GOOD | {"session_id": "."}, 400, "invalid_request", "session_id"),
    ("session of two dots", GOOD | {"session_id": ".."}, 400, "invalid_request", "session_id"),
    ("long session, first a dot", GOOD | {"session_id": "." + "a" * 128}, 400, "invalid_request", "session_id"),
    ("long session of dots", GOOD | {"session_id": "." * 129}, 400, "invalid_request", "session_id"),
    ("long session", GOOD | {"session_id": "a" * 129}, 400, "invalid_request", "session_id"),
    ("threshold 0", GOOD | {"threshold": 0}, 400, "invalid_request", "threshold"),
    ("threshold 1", GOOD | {"threshold": 1.0}, 400, "invalid_request", "threshold"),
    ("threshold in words", GOOD | {"threshold": "high"}, 400, "invalid_request", "threshold"),
    ("threshold not a number", GOOD | {"threshold": math.nan}, 400, "invalid_request", "threshold"),
    ("unknown rate", GOOD | {"threshold": "fpr:0.5"}, 400, "invalid_request", "threshold"),
    ("unknown field", GOOD | {"txet": "a"}, 400, "invalid_request", "txet"),
    ("unknown field, long", GOOD | {"x" * 10_000: "a"}, 400, "invalid_request", "x" * 80),
    ("unknown fields, many", GOOD | dict.fromkeys(map(str, range(2000)), 1), 400, "invalid_request", None),
    ("unknown task", GOOD | {"task": "weather"}, 400, "unknown_task", "task"),
    ("unknown task, long", GOOD | {"task": "x" * 10_000}, 400, "unknown_task", "task"),
    ("unknown model", GOOD | {"model": "spam-bow"}, 400, "unknown_model", "model"),
    ("model of another task", GOOD | {"model": "sentiment-gru"}, 400, "unknown_model", "model"),
    ("unknown task, long text", {"task": "weather", "text": "a" * 1_000_001}, 400, "unknown_task", "task"),
    ("unknown rate, blank text", GOOD | {"threshold": "fpr:0.5", "text": " "}, 400, "invalid_request", "threshold"),
    ("empty text", GOOD | {"text": ""}, 400, "empty_text", "text"),
    ("blank text", GOOD | {"text": " \n\t\u3000"}, 400, "empty_text", "text"),
    ("long text", GOOD | {"text": "a" * 1_000_001}, 413, "text_too_long", "text"),
]


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream", "/predict"])
@pytest.mark.parametrize(("body", "status", "code", "field"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_a_bad_request_is_told_what_is_wrong_and_the_next_one_is_answered(
    live: Live, path: str, body: bytes | dict[str, Any], status: int, code: str, field: str | None
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = live.client.post(path, content=content, headers={"content-type": "application/json"})
    error = detail(response)
    assert (response.status_code, error["code"], error.get("field")) == (status, code, field)
    assert len(response.content) < 1000
    assert live.post("/v1/predict", GOOD).status_code == 200


def of_many(body: bytes | dict[str, Any]) -> bytes | dict[str, Any]:
    if isinstance(body, bytes):
        return body
    return {"texts": [body["text"]]} | {name: value for name, value in body.items() if name != "text"}


BAD_FOR_MANY: Final = [
    (name, of_many(body), *wanted)
    for name, body, *wanted in BAD
    if isinstance(body, bytes) or ("text" not in name and not body.keys() & {"session_id", "step"})
]
"""What is wrong with a whole batch as it is with one text: all but what is wrong with the text, or with a session."""


@pytest.mark.parametrize("path", BATCHES)
@pytest.mark.parametrize("bad", BAD_FOR_MANY, ids=[str(bad[0]) for bad in BAD_FOR_MANY])
def test_a_batch_that_is_bad_as_a_whole_is_told_so_too(live: Live, path: str, bad: tuple[Any, ...]) -> None:
    test_a_bad_request_is_told_what_is_wrong_and_the_next_one_is_answered(live, path, *bad[1:])


@pytest.mark.parametrize(
    "media",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "text/json"],
)
@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict_batch", *NATIVE])
def test_predictions_take_json_and_nothing_else(live: Live, path: str, media: str) -> None:
    content = json.dumps(MANY if "batch" in path else GOOD)
    response = live.client.post(path, content=content, headers={"content-type": media})
    assert (response.status_code, detail(response)["code"]) == (415, "unsupported_media")
    for good in ("application/json", "Application/JSON; charset=utf-8"):
        assert live.client.post(path, content=content, headers={"content-type": good}).status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict_batch", "/v1/stream", *NATIVE])
def test_a_body_that_is_not_what_it_would_be_read_as_is_refused(live: Live, path: str) -> None:
    content = json.dumps(MANY if "batch" in path else GOOD).encode()
    for coding, body in (("gzip", gzip.compress(content)), ("br", content), ("identity, gzip", content)):
        headers = {"content-type": "application/json", "content-encoding": coding}
        response = live.client.post(path, content=body, headers=headers)
        assert (response.status_code, detail(response)["code"]) == (415, "unsupported_media")
        assert f"the content encoding is {coding!r}" in detail(response)["message"]
    utf_16 = {"content-type": "application/json; charset=utf-16"}
    assert live.client.post(path, content=content, headers=utf_16).status_code == 415
    good = {"content-type": "application/json", "content-encoding": "Identity"}
    assert live.client.post(path, content=content, headers=good).status_code == 200


@pytest.mark.parametrize(
    ("path", "media", "size", "status"),
    [
        ("/v1/predict", "application/json", 9_000_000, 413),
        ("/v1/predict", "text/html", 4_000_000, 415),
        ("/v1/stream", "text/html", 4_000_000, 415),
        ("/v1/nothing", "application/json", 4_000_000, 404),
    ],
)
def test_a_refusal_reaches_who_sends_a_whole_body_before_it_reads(
    live: Live, path: str, media: str, size: int, status: int
) -> None:
    asked = urllib.request.Request(
        f"http://127.0.0.1:{live.port}{path}", data=b" " * size, headers={"content-type": media}
    )
    for _ in range(5):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, timeout=PATIENCE)
        assert refused.value.code == status
        assert json.load(refused.value)["error"]["code"]
        refused.value.close()


@pytest.mark.parametrize("size", ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"])
def test_a_body_without_an_end_is_not_read_for_ever_after_its_refusal(live: Live, size: str) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE) as endless:
        endless.sendall(f"POST /v1/nothing HTTP/1.1\r\nHost: localhost\r\n{size}\r\n\r\n".encode())
        sent, most = 0, LINGER_BYTES + 16 * 2**20  # which may lie in the sockets' buffers
        with suppress(ConnectionError):
            while sent < most:
                endless.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")
                sent += 65536
    assert LINGER_BYTES <= sent < most


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict_batch", "/v1/stream", *NATIVE])
def test_a_body_that_does_not_come_is_the_clients_lateness(bench: Bench, live: Live, path: str) -> None:
    serving = bench.serving()
    serving.settings = replace(serving.settings, timeout=0.05)
    with live.with_serving(serving), socket.create_connection(("127.0.0.1", live.port)) as late:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
        late.sendall(f'{head}\r\n{{"text":"'.encode())
        late.settimeout(PATIENCE)
        answer = late.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 408 ")
    assert '"code":"idle"' in answer
    assert "the body was not whole within 0.05 s (UNDERTONE_TIMEOUT)" in answer


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/predict_batch", "/v1/stream", *NATIVE])
def test_a_body_over_the_limit_is_refused_declared_or_chunked(live: Live, path: str) -> None:
    size = 8 * 2**20 + 1
    headers = {"content-type": "application/json"}
    chunked = live.client.post(path, content=(b" " * 65536 for _ in range(129)), headers=headers)
    declared = live.client.post(path, content=b" " * size, headers=headers)
    for response in (chunked, declared):
        error = detail(response)
        assert (response.status_code, error["code"], error["limit"]) == (413, "body_too_large", size - 1)
    assert detail(declared)["value"] == size
    assert live.post("/v1/predict", GOOD).status_code == 200


def test_what_asks_for_no_path_at_all_gets_an_error_in_the_one_shape(live: Live) -> None:
    for method in ("OPTIONS", "GET"):
        with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE) as asking:
            asking.sendall(f"{method} * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
        assert answer.startswith("HTTP/1.1 404 ")
        assert '{"error":{"code":"not_found"' in answer


def test_unknown_paths_and_methods(live: Live) -> None:
    for path in (
        "/v2/predict",
        "/v1",
        "/v1/predict/",
        "/v1/sessions/",
        "/v1/sessions/a/b",
        "/.env",
    ):
        response = live.client.get(path)
        assert (response.status_code, detail(response)["code"]) == (404, "not_found")
    for method, path, allowed in [
        ("GET", "/v1/predict", "POST"),
        ("PUT", "/v1/stream", "POST"),
        ("POST", "/v1/sessions/a", "DELETE, GET, HEAD"),
        ("GET", "/v1/sessions", "DELETE"),
        ("DELETE", "/v1/models", "GET, HEAD"),
        ("OPTIONS", "/v1/predict", "POST"),
        ("GET", "/predict", "POST"),
        ("PUT", "/predict_batch", "POST"),
        ("POST", "/livez", "GET"),
    ]:
        response = live.client.request(method, path)
        error = detail(response)
        assert (response.status_code, error["code"]) == (405, "method_not_allowed")
        assert response.headers["allow"] == allowed
        assert allowed in error["message"]


def test_a_long_answer_is_written_in_slices_and_is_the_same(bench: Bench, live: Live) -> None:
    """Between two of them the loop is free: writing a megabyte's sentences at once stopped everybody for a tenth of a
    second."""
    asked: dict[str, Any] = {"text": "The cat sat on it. " * (10 * SLICE + 1), "task": "spam"}
    said = live.post("/v1/predict", asked).json()
    whole = bench.run(lambda serving: serving.predict("public", PredictIn(**asked)))
    assert Prediction(**said) == whole
    assert len(said["sentences"]) == 10 * SLICE + 1

    async def write() -> None:
        others, written = await turns(_written(dict(said)))
        assert json.loads(written) == said
        assert others > 10

    asyncio.run(write())


def test_others_are_served_between_the_items_of_a_batch(bench: Bench) -> None:
    """Blank texts, whose scoring takes no turn of the loop: those that are counted are of the writing."""
    items = 50
    body = json.dumps({"texts": [""] * items, "task": "spam"}).encode()
    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def use(serving: Serving) -> None:
        others, response = await turns(predict_batch(Request(scope, receive), serving))
        assert len(json.loads(bytes(response.body))["results"]) == items
        assert others > items

    bench.run(use, open=True)


def test_others_are_served_while_the_texts_of_a_batch_are_cut(bench: Bench) -> None:
    items = 20
    request = BatchIn(texts=["dog. " * (AT_ONCE // 5)] * items, task="spam")
    cuts: list[int] = []

    async def use(serving: Serving) -> None:
        seen = 0

        def counted(*asked: Any) -> list[Sentence]:
            cuts.append(seen)
            return []

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(service.serving, "split", counted)
            task = asyncio.ensure_future(serving.answers(request))
            while not task.done():
                seen += 1
                await asyncio.sleep(0)
            assert len(await task) == items

    bench.run(use, open=True)
    assert len(cuts) == items
    assert max(Counter(cuts).values()) <= 2


def test_predict_answers_with_all_fields(live: Live) -> None:
    said = live.post("/v1/predict", GOOD).json()
    fields = "task label probability probabilities prior threshold decided_at warnings model sentences"
    assert list(said) == fields.split()
    assert list(said["sentences"][0]) == ["index", "offset", "length", "probability", "delta"]
    total = said["prior"] + sum(sentence["delta"] for sentence in said["sentences"])
    assert total == pytest.approx(math.log(said["probability"] / (1 - said["probability"])), abs=1e-6)
    session = live.post("/v1/predict", GOOD | {"session_id": "all-fields"}).json()["session"]
    assert list(session) == ["id", "step", "created", "replayed", "expires_at"]


@pytest.mark.parametrize("path", BATCHES)
def test_predict_batch_answers_item_by_item(live: Live, path: str) -> None:
    texts = ["free money", "", 3, TEXT]
    results = live.post(path, {"texts": texts, "task": "spam"}).json()["results"]
    assert [result.get("error", {}).get("code") for result in results] == [None, "empty_text", "invalid_request", None]
    assert all(None not in result.get("error", {}).values() for result in results)
    alone = live.post("/v1/predict", GOOD).json()
    assert results[3].keys() == alone.keys()
    assert results[3]["probability"] == pytest.approx(alone["probability"], abs=1e-5)


@pytest.mark.parametrize("path", BATCHES)
def test_half_a_character_fails_its_own_item(live: Live, path: str) -> None:
    items = [
        r'"free money"',
        r'"cut \ud83d"',
        r'"\ude00"',
        r'"\ud83d\ude00 whole"',
        r'["\ud83d"]',
        r'"\ud83d\ud83d\ude00"',
    ]
    content = '{"task": "spam", "threshold": 0.25, "texts": [' + ", ".join(items) + "]}"
    answer = live.client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    codes = [result.get("error", {}).get("code") for result in results]
    assert codes == [None, "invalid_json", "invalid_json", None, "invalid_request", "invalid_json"]
    assert results[1]["error"]["field"] == "texts.1"
    assert r"texts[1] holds half a character, \ud83d" in results[1]["error"]["message"]
    assert (results[0]["threshold"], results[3]["sentences"][0]["length"]) == (0.25, len("😀 whole"))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (r'{"texts": ["cut \ud83d"], "task": "sp\ud83d"}', "invalid_json"),
        (r'{"texts": ["cut \ud83d"], "task": "spam", "\ud83d": 1}', "invalid_json"),
        (r'{"texts": ["cut \ud83d"], "task": "spam"', "invalid_json"),
        (r'{"texts": ["cut \ud83d"], "task": "spam", "threshold": ' + "9" * 4000 + "}", "invalid_request"),
        (r'{"texts": ["cut \ud83d"], "task": ' + "[" * 100_000, "invalid_json"),
        (r'{"texts": "cut \ud83d", "task": "spam"}', "invalid_request"),
        (r'["cut \ud83d"]', "invalid_json"),
    ],
)
def test_half_a_character_in_a_batch_that_is_bad_otherwise(live: Live, body: str, code: str) -> None:
    response = live.client.post("/v1/predict_batch", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, detail(response)["code"]) == (400, code)
    assert len(response.content) < 1000


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream", "/predict"])
def test_half_a_character_is_told_the_way_out(live: Live, path: str) -> None:
    content = rb'{"text": "I am so happy \ud83d", "task": "spam"}'
    error = detail(live.client.post(path, content=content, headers={"content-type": "application/json"}))
    assert r"half a character, \ud83d" in error["message"]
    assert r"cut between whole characters, or put \ufffd in its place" in error["message"]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"texts": [], "task": "spam"}, 400, "invalid_request"),
        ({"texts": "free", "task": "spam"}, 400, "invalid_request"),
        ({"texts": ["a"], "task": "spam", "session_id": "s"}, 400, "invalid_request"),
        ({"texts": ["a"], "task": "weather"}, 400, "unknown_task"),
        ({"texts": ["a"] * 257, "task": "spam"}, 413, "batch_too_large"),
    ],
)
@pytest.mark.parametrize("path", BATCHES)
def test_a_bad_batch_is_refused_as_a_whole(
    live: Live, path: str, asked: dict[str, Any], status: int, code: str
) -> None:
    response = live.post(path, asked)
    assert (response.status_code, detail(response)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/v1/sessions/a", 400, "invalid_request"),
        ("GET", "/v1/sessions/a?task=weather", 400, "unknown_task"),
        ("DELETE", "/v1/sessions/a?task=a%3Ab", 400, "invalid_request"),
        ("DELETE", "/v1/sessions/a?task=", 400, "invalid_request"),
        ("GET", "/v1/sessions/a%3Ab?task=spam", 400, "invalid_request"),
        ("DELETE", "/v1/sessions/%7Ba%7D", 400, "invalid_request"),
        ("GET", f"/v1/sessions/{'a' * 129}?task=spam", 400, "invalid_request"),
        ("GET", "/v1/sessions/%FF%00?task=spam", 400, "invalid_request"),
    ],
)
def test_bad_questions_about_sessions(live: Live, method: str, target: str, status: int, code: str) -> None:
    response = live.client.request(method, target)
    assert (response.status_code, detail(response)["code"]) == (status, code)


def test_models(live: Live) -> None:
    said = live.client.get("/v1/models").json()["models"]
    assert [(m["name"], m["default"]) for m in said] == [
        ("spam-gru", True), ("sentiment-gru", True), ("spam-conv1d", False), ("sentiment-conv1d", False),
    ]  # fmt: skip
    assert said[0]["labels"] == ["ham", "spam"]
    assert said[0]["thresholds"] == {"0.01": 0.75}
    assert said[0]["intervals"] == {"0.01": [0.005, 0.0175]}
    assert said[0]["test"] == {"sms": {"documents": FIGURES["documents"], "accuracy": FIGURES["accuracy"]}}
    assert said[0]["digest"] == live.post("/v1/predict", GOOD).json()["model"]["digest"]


def test_a_model_has_its_card_by_name_and_by_digest(live: Live) -> None:
    digest = live.client.get("/v1/models").json()["models"][0]["digest"]
    for model in ("spam-gru", digest):
        card = live.client.get(f"/v1/models/{model}/card")
        assert (card.status_code, card.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
        assert card.text == CARD
    for model, why in (("spam-conv1d", "without a CARD.md"), ("none", "/v1/models"), ("..%2Fspam-gru", "no model")):
        refused = live.client.get(f"/v1/models/{model}/card")
        assert (refused.status_code, detail(refused)["code"]) == (404, "not_found")
        assert why in detail(refused)["message"] or model.startswith("..")


def test_status_says_what_is_degraded_and_leaks_nothing(bench: Bench, live: Live, tmp_path: Path) -> None:
    assert live.client.get("/v1/status").json() == {"status": "ok", "sessions": "ok", "why": []}
    with live.with_serving(bench.serving(redis_url=f"unix://{tmp_path}/none.sock")):
        said = live.client.get("/v1/status")
        assert (said.status_code, said.json()["status"], said.json()["sessions"]) == (200, "degraded", "unavailable")
        assert "session_id" in said.json()["why"][0]
        assert str(tmp_path) not in said.text
        refused = live.post("/v1/predict", GOOD | {"session_id": "s"})
        assert (refused.status_code, detail(refused)["code"]) == (503, "store_unavailable")
        assert live.post("/v1/predict", GOOD).status_code == 200


OPEN: Final = ("/", "/console/main.js", "/v1/status")
CLOSED: Final = (
    "/v1/models", "/v1/models/spam-gru/card", "/metrics", "/docs", "/docs.json", "/docs/swagger-ui.css",
    "/v1/sessions/a?task=spam",
)  # fmt: skip


def test_what_needs_a_key_and_what_does_not(bench: Bench, live: Live) -> None:
    with live.with_serving(bench.serving(api_keys=API_KEYS)):
        for path in CLOSED:
            refused = live.client.get(path)
            assert (refused.status_code, detail(refused)["code"]) == (401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert live.client.get(path, headers=KEY).status_code in (200, 404)
        for path in OPEN:
            assert live.client.get(path).status_code < 400
        for path in ("/v1/predict", "/v1/predict_batch", "/v1/stream", *NATIVE):
            assert live.post(path, GOOD).status_code == 401
        assert live.client.delete("/v1/sessions/a").status_code == 401
    with live.with_serving(bench.serving(api_keys=API_KEYS, metrics_open=True)):
        assert live.client.get("/metrics").status_code == 200


def test_without_keys_a_page_whose_name_points_here_is_refused(live: Live) -> None:
    for headers in ({"host": "evil.example"}, {"x-forwarded-for": "127.0.0.1"}, {"origin": "https://evil.example"}):
        for response in (
            live.client.post("/v1/predict", json=GOOD, headers=headers),
            live.client.post("/predict", json=GOOD, headers=headers),
            live.client.get("/metrics", headers=headers),
        ):
            assert (response.status_code, detail(response)["code"]) == (403, "forbidden")


def test_too_many_requests_are_told_when_to_come_again(bench: Bench, live: Live) -> None:
    with live.with_serving(bench.serving(rate=0.01)):
        assert live.post("/v1/predict", GOOD).status_code == 200
        refused = live.post("/v1/predict", GOOD)
        assert (refused.status_code, detail(refused)["code"], detail(refused)["limit"]) == (429, "rate_limited", 0.01)
        assert 1 <= int(refused.headers["retry-after"]) <= 100
        assert live.client.get("/v1/status").status_code == 200


def test_a_request_that_takes_too_long_is_given_up(bench: Bench, live: Live) -> None:
    serving = bench.serving()
    serving.settings = replace(serving.settings, timeout=0.5)
    with live.with_serving(serving):
        for path in ("/v1/predict", "/predict"):
            response = live.post(path, GOOD | {"text": "The cat sat. " * 70_000})
            assert (response.status_code, detail(response)["code"]) == (504, "timeout")
    assert live.post("/v1/predict", GOOD).status_code == 200


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "text/event-stream"),
        ("text/event-stream", "text/event-stream"),
        ("text/*;q=0.5", "text/event-stream"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("image/png, Application/X-NDJSON;q=0.9, */*", "application/x-ndjson"),
        ("text/event-stream; q=0, application/x-ndjson", "application/x-ndjson"),
        ("text/*;q=0.000", None),
        ("application/json", None),
    ],
)
def test_a_stream_comes_in_the_form_that_is_accepted(live: Live, accept: str, media: str | None) -> None:
    response = live.post("/v1/stream", GOOD, accept=accept)
    if media is None:
        assert (response.status_code, detail(response)["code"]) == (406, "not_acceptable")
    else:
        assert (response.status_code, response.headers["content-type"]) == (200, f"{media}; charset=utf-8")
        assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("query", "headers", "status", "code", "field"),
    [
        ("", {}, 400, "invalid_request", "task"),
        ("task=weather", {}, 400, "unknown_task", "task"),
        ("task=spam&model=none", {}, 400, "unknown_model", "model"),
        ("task=spam&step=0", {}, 400, "invalid_request", "step"),
        ("task=spam&session_id=s&step=x", {}, 400, "invalid_request", "step"),
        ("task=spam&session_id=a:b", {}, 400, "invalid_request", "session_id"),
        ("task=spam&threshold=2", {}, 400, "invalid_request", "threshold"),
        ("task=spam&session_id=none&step=3", {}, 404, "session_not_found", "session_id"),
        ("task=spam", {"content-type": "text/plain; charset=latin-1"}, 415, "unsupported_media", None),
        ("task=spam", {"last-event-id": "x"}, 400, "invalid_request", None),
        ("task=spam", {"last-event-id": "9" * 5000}, 400, "invalid_request", None),
        ("task=spam", {"last-event-id": "-1"}, 400, "invalid_request", None),
    ],
)
def test_a_bad_stream_is_refused_before_it_begins(
    live: Live, query: str, headers: dict[str, str], status: int, code: str, field: str | None
) -> None:
    response = live.client.post(f"/v1/stream?{query}", content=TEXT, headers={"content-type": "text/plain"} | headers)
    error = detail(response)
    assert (response.status_code, error["code"], error.get("field")) == (status, code, field)


def test_a_stream_of_plain_text_reads_its_query_and_ignores_what_it_does_not_know(live: Live) -> None:
    for media in ("text/plain", "text/plain; charset=UTF-8; format=flowed", 'text/plain; charset="utf-8"'):
        target = "/v1/stream?task=spam&model=spam-conv1d&threshold=0.125&session_id=plain&utm=1&text=x"
        response = live.client.post(target, content=TEXT, headers={"content-type": media})
        assert response.status_code == 200
        done = events(response.content)[-1].data
        assert (done["model"]["name"], done["threshold"], done["session"]["id"]) == ("spam-conv1d", 0.125, "plain")
        assert live.client.delete("/v1/sessions/plain").status_code == 204


def test_docs(live: Live) -> None:
    page = live.client.get("/docs")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for asset, media in (("swagger-ui.css", "css"), ("swagger-ui-bundle.js", "javascript"), ("start.js", "javascript")):
        assert f"/docs/{asset}" in page.text
        response = live.client.get(f"/docs/{asset}")
        assert response.status_code == 200
        assert media in response.headers["content-type"]
    for path in ("/docs/other.js", "/docs/..%2F..%2Fserver.py", "/docs/%2Fetc%2Fpasswd"):
        assert live.client.get(path).status_code == 404
