"""Mail against `bentoml serve` with the shipped models: what its reader sees decides; BentoML's route takes it, too."""

from __future__ import annotations

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from models.mail import read
from tests.e2e.server import ROOT, Service

RAW: Final = (ROOT / "tests" / "phishing.eml").read_bytes()
AS_JSON: Final = {"email": b64encode(RAW).decode(), "task": "spam"}


def test_a_phishing_mail_is_spam_whatever_it_hides_and_however_it_comes(service: Service) -> None:
    path, query, body = f"{service.url}/v1/predict", {"task": "spam"}, {"content-type": "message/rfc822"}
    as_json = httpx.post(path, json=AS_JSON, timeout=30).json()
    as_body = httpx.post(path, params=query, content=RAW, headers=body, timeout=30).json()
    native = httpx.post(f"{service.url}/predict", json=AS_JSON, timeout=30).json()
    assert as_json["label"] == "spam"
    assert as_json == as_body == {name: said for name, said in native.items() if name != "session"}
    assert [link["mismatched"] for link in as_json["mail"]["links"]] == [True, False]
    text = read(RAW).text
    for said in as_json["sentences"]:
        assert said["text"] == text[said["offset"] : said["offset"] + said["length"]]


def test_a_stream_of_a_mail(service: Service) -> None:
    whole = httpx.post(f"{service.url}/v1/predict", json=AS_JSON, timeout=30).json()
    headers = {"content-type": "message/rfc822", "accept": "application/x-ndjson"}
    path = f"{service.url}/v1/stream"
    with httpx.stream("POST", path, params={"task": "spam"}, content=RAW, headers=headers, timeout=30) as answer:
        *sentences, done = map(json.loads, answer.iter_lines())
    assert [said["text"] for said in sentences] == [said["text"] for said in whole["sentences"]]
    assert (done["event"], done["mail"], done["label"]) == ("done", whole["mail"], "spam")


def test_a_hostile_mail_does_not_stop_others(service: Service) -> None:
    """A page of nearly as many elements as are read, and meanwhile small requests to both workers."""
    page = b"Content-Type: text/html\n\nWin <p>" + b"<i>a</i>" * 90_000
    small = {"text": "See you at lunch.", "task": "spam"}
    path, body = f"{service.url}/v1/predict", {"content-type": "message/rfc822"}
    with ThreadPoolExecutor(1) as pool:
        hostile = pool.submit(httpx.post, path, params={"task": "spam"}, content=page, headers=body, timeout=60)
        answered = 0
        while not hostile.done():
            assert httpx.post(path, json=small, timeout=5).status_code == 200
            answered += 1
        assert hostile.result().status_code == 200
    assert answered > 5
