"""Mail over HTTP: the same scores whichever way it comes, what the answer says of it, and what is refused."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from models import mail, mime
from tests.service.live import Bench, Event, Live, events
from tests.service.test_streams import same

RAW: Final = (Path(__file__).parent.parent / "phishing.eml").read_bytes()
READ: Final = mail.read(RAW)
EMAIL: Final = b64encode(RAW).decode()
AS_JSON: Final[dict[str, Any]] = {"email": EMAIL, "task": "spam"}
BODY: Final = {"content-type": "message/rfc822"}
SAID: Final = {
    "parts": [{"path": "2", "content_type": "text/html", "charset": "utf-8"}],
    "links": [
        {
            "url": "http://203.0.113.77/hb/login.php?id=7731",
            "text": "https://www.harbourbank.example/verify",
            "mismatched": True,
        },
        {
            "url": "http://203.0.113.77/hb/prize.php",
            "text": "claim your free prize of loyalty points",
            "mismatched": False,
        },
    ],
    "hidden": READ.hidden,
}


def refused(response: httpx.Response) -> tuple[int, str, str | None]:
    error = response.json()["error"]
    return response.status_code, error["code"], error.get("field")


def test_what_is_hidden_in_it_is_not_scored() -> None:
    assert READ.text.startswith("Your account has been suspended – act now\nHarbour Bank\n\nDear customer,")
    assert READ.hidden > 100
    for word in ("minutes", "lunch", "novel", "children"):
        assert word not in READ.text


def test_it_is_scored_as_its_text_is_whichever_way_it_comes(live: Live) -> None:
    plain = live.post("/v1/predict", {"text": READ.text, "task": "spam"}).json()
    as_json = live.post("/v1/predict", AS_JSON).json()
    as_body = live.client.post("/v1/predict?task=spam&surprise=1", content=RAW, headers=BODY).json()
    assert as_json == as_body
    assert as_json["mail"] == SAID
    assert "mail" not in plain
    assert [s.pop("text") for s in as_json["sentences"]] == [
        READ.text[s["offset"] : s["offset"] + s["length"]] for s in plain["sentences"]
    ]
    del as_json["mail"]
    assert as_json == plain


def test_a_stream_of_it(live: Live) -> None:
    whole = live.post("/v1/predict", AS_JSON).json()
    streams = [
        live.post("/v1/stream", AS_JSON),
        live.client.post("/v1/stream?task=spam", content=RAW, headers=BODY),
    ]
    for response in streams:
        *sentences, done = events(response.content)
        assert len(sentences) == len(whole["sentences"])
        for event, sentence in zip(sentences, whole["sentences"], strict=True):
            assert same({**event.data, "state": None}, {**sentence, "state": None})
        assert all(event.data["text"] for event in sentences)
        assert (done.name, done.data["mail"]) == ("done", SAID)
        assert done.data["probability"] == pytest.approx(whole["probability"], abs=1e-5)
    lines = live.client.post("/v1/stream?task=spam", content=RAW, headers={**BODY, "accept": "application/x-ndjson"})
    assert [json.loads(line).get("text") for line in lines.text.splitlines()] == [
        *(sentence["text"] for sentence in whole["sentences"]),
        None,
    ]


@pytest.mark.parametrize("as_body", [False, True])
def test_an_early_decision_about_it(live: Live, as_body: bool) -> None:
    sentences = live.post("/v1/predict", AS_JSON).json()["sentences"]
    found = [max(s["probability"], 1 - s["probability"]) for s in sentences]
    stop_at = min(found[:2]) - 1e-5  # the second sentence decides, however float32 rounds
    if as_body:
        query = {"task": "spam", "stop_at": str(stop_at)}
        response = live.client.post("/v1/stream", params=query, content=RAW, headers=BODY)
    else:
        response = live.post("/v1/stream", {**AS_JSON, "stop_at": stop_at})
    *said, done = events(response.content)
    assert [event.data["text"] for event in said] == [sentence["text"] for sentence in sentences[:2]]
    read = sentences[1]["offset"] + sentences[1]["length"]
    assert (done.data["reason"], done.data["read"], done.data["left"]) == ("decided", read, len(READ.text) - read)
    assert done.data["mail"] == SAID


def test_a_stream_of_text_says_nothing_of_mail(live: Live) -> None:
    found: list[Event] = events(live.post("/v1/stream", {"text": READ.text, "task": "spam"}).content)
    assert not any({"text", "mail"} & event.data.keys() for event in found)


def test_parameters_stand_in_the_query(live: Live) -> None:
    query = {"task": "spam", "model": "spam-conv1d", "threshold": "fpr:0.01", "session_id": "by-query", "step": "0"}
    said = live.client.post("/v1/predict", params=query, content=RAW, headers=BODY).json()
    assert (said["model"]["name"], said["threshold"]) == ("spam-conv1d", 0.75)
    assert said["session"]["step"] == len(said["sentences"])


def test_a_session_takes_a_mail_as_it_takes_its_text(live: Live) -> None:
    asked = {"task": "spam", "session_id": "mails", "step": 0}
    first = live.post("/v1/predict", {"email": EMAIL, **asked}).json()
    again = live.post("/v1/predict", {"email": EMAIL, **asked}).json()
    as_text = live.post("/v1/predict", {"text": READ.text, **asked}).json()
    streamed = events(live.post("/v1/stream", {"email": EMAIL, **asked}).content)[-1].data
    assert (first["session"]["created"], first["session"]["replayed"]) == (True, False)
    for said in (again, as_text, streamed):
        assert said["session"]["replayed"]
        assert (said["probability"], said["session"]["step"]) == (first["probability"], first["session"]["step"])
    step = first["session"]["step"]
    next_ = live.post("/v1/predict", {"email": EMAIL, **asked, "step": step}).json()
    assert next_["sentences"][0]["index"] == step
    assert next_["session"]["step"] == 2 * step
    other = live.post("/v1/predict", {**asked, "email": b64encode(RAW.replace(b"customer", b"client")).decode()})
    assert refused(other) == (409, "wrong_step", "step")


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream"])
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"text": "a"}, (400, "invalid_request", "text")),
        ({"email": None}, (400, "invalid_request", "text")),
        ({"email": EMAIL[:-1]}, (400, "invalid_request", "email")),
        ({"email": EMAIL + "\n"}, (400, "invalid_request", "email")),
        ({"email": "Zm9v-_=="}, (400, "invalid_request", "email")),
        ({"email": urlsafe_b64encode(b"\xff\xfe\xfd" * 3).decode()}, (400, "invalid_request", "email")),
        ({"email": "é"}, (400, "invalid_request", "email")),
        ({"email": 7}, (400, "invalid_request", "email")),
        ({"email": ["a"]}, (400, "invalid_request", "email")),
        ({"email": ""}, (400, "empty_text", "email")),
        ({"email": b64encode(b"From: a@b.example\n\n \n").decode()}, (400, "empty_text", "email")),
        ({"step": 0}, (400, "invalid_request", "step")),
        ({"task": "weather"}, (400, "unknown_task", "task")),
    ],
)
def test_what_is_wrong_is_named(live: Live, path: str, changes: dict[str, Any], error: tuple[int, str, str]) -> None:
    assert refused(live.post(path, AS_JSON | changes)) == error
    assert live.post(path, AS_JSON).status_code == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/v1/stream"])
def test_a_limit_is_413_and_comes_after_what_else_is_wrong(live: Live, bench: Bench, path: str) -> None:
    deep = b"Content-Type: message/rfc822\n\n" * 20 + b"Hi"
    response = live.client.post(f"{path}?task=spam", content=deep, headers=BODY)
    assert refused(response) == (413, "mail_too_large", "email")
    assert response.json()["error"]["limit"] == mime.DEPTH
    assert refused(live.client.post(f"{path}?task=weather", content=deep, headers=BODY))[1] == "unknown_task"
    assert refused(live.client.post(path, content=deep, headers=BODY)) == (400, "invalid_request", "task")
    with live.with_serving(bench.serving(max_text=100, max_body=4096)):
        assert refused(live.post(path, AS_JSON)) == (413, "text_too_long", "text")
        over = live.client.post(f"{path}?task=spam", content=b"x" * 5000, headers=BODY)
        assert refused(over) == (413, "body_too_large", None)


def test_batches_and_other_types_take_no_mail(live: Live) -> None:
    assert refused(live.client.post("/v1/predict_batch?task=spam", content=RAW, headers=BODY))[0] == 415
    assert (
        refused(live.client.post("/v1/predict?task=spam", content=RAW, headers={"content-type": "message/x"}))[0] == 415
    )
    assert refused(live.post("/v1/predict_batch", {"texts": ["a"], "email": EMAIL, "task": "spam"}))[2] == "email"
