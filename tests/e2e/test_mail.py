"""Mail against `bentoml serve` with the shipped models: what its reader sees decides; BentoML's route takes it, too."""

from __future__ import annotations

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from models.mail import read
from tests.e2e.server import ROOT, Service, client_per_worker

RAW: Final = (ROOT / "tests" / "phishing.eml").read_bytes()
AS_JSON: Final = {"email": b64encode(RAW).decode(), "task": "spam"}


def test_a_phishing_mail_is_spam_whatever_it_hides_and_however_it_comes(service: Service) -> None:
    path, query, body = f"{service.url}/v1/predict", {"task": "spam"}, {"content-type": "message/rfc822"}
    as_json = httpx.post(path, json=AS_JSON, timeout=60).json()
    as_body = httpx.post(path, params=query, content=RAW, headers=body, timeout=60).json()
    native = httpx.post(f"{service.url}/predict", json=AS_JSON, timeout=60).json()
    assert as_json["label"] == "spam"
    assert as_json == as_body == {name: said for name, said in native.items() if name != "session"}
    assert [link["mismatched"] for link in as_json["mail"]["links"]] == [True, False]
    text = read(RAW).text
    for said in as_json["sentences"]:
        assert said["text"] == text[said["offset"] : said["offset"] + said["length"]]


def test_a_stream_of_a_mail(service: Service) -> None:
    whole = httpx.post(f"{service.url}/v1/predict", json=AS_JSON, timeout=60).json()
    headers = {"content-type": "message/rfc822", "accept": "application/x-ndjson"}
    path = f"{service.url}/v1/stream"
    with httpx.stream("POST", path, params={"task": "spam"}, content=RAW, headers=headers, timeout=60) as answer:
        *sentences, done = map(json.loads, answer.iter_lines())
    assert [said["text"] for said in sentences] == [said["text"] for said in whole["sentences"]]
    assert (done["event"], done["mail"], done["label"]) == ("done", whole["mail"], "spam")


def test_a_hostile_mail_does_not_stop_others(service: Service) -> None:
    """A page of nearly as many elements as are read, and meanwhile small requests to the worker that reads it."""
    page = b"Content-Type: text/html\n\nWin <p>" + b"<i>a</i>" * 90_000
    small = {"text": "See you at lunch.", "task": "spam"}
    path, body = "/v1/predict", {"content-type": "message/rfc822"}
    answered: list[int] = []
    with ThreadPoolExecutor(1) as pool, client_per_worker(service) as some, client_per_worker(service) as others:
        # Of a reading that this process slept through, nothing can be told; a worker that is stopped has no better one.
        while len(answered) < 5 and max(answered, default=0) <= 5:
            pid = next(iter(some))
            hostile = pool.submit(some[pid].post, path, params={"task": "spam"}, content=page, headers=body)
            answered.append(0)
            while not hostile.done():
                assert others[pid].post(path, json=small).status_code == 200
                answered[-1] += not hostile.done()
            assert hostile.result().status_code == 200
    assert max(answered) > 5, answered
