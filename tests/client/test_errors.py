"""Errors of the API as exceptions, and what is no answer of it."""

from __future__ import annotations

import time
from email.utils import formatdate

import httpx
import pytest

from client import InvalidAnswer, Refused
from client.answers import ModelId, Sentence


def answered(status: int, **answer: object) -> Refused:
    response = httpx.Response(status, request=httpx.Request("POST", "http://a/v1/predict"), **answer)  # type: ignore[arg-type]
    return Refused.answered(response)


def test_all_that_an_error_says() -> None:
    detail = {"code": "wrong_step", "message": "no", "field": "step", "value": 3, "expected_step": 2, "new": 1}
    refused = answered(409, json={"error": detail})
    assert (refused.status, refused.code, refused.field, refused.limit) == (409, "wrong_step", "step", None)
    assert (refused.value, refused.expected_step, refused.passing) == (3, 2, False)
    assert str(refused) == "wrong_step: no"


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), (None, None), ("soon", None)])
def test_retry_after_in_seconds(given: str | None, seconds: float | None) -> None:
    headers = {} if given is None else {"retry-after": given}
    refused = answered(429, json={"error": {"code": "rate_limited", "message": "no"}}, headers=headers)
    assert (refused.retry_after, refused.passing) == (seconds, True)


def test_retry_after_as_a_date() -> None:
    refused = answered(503, text="<html>", headers={"retry-after": formatdate(time.time() + 3600, usegmt=True)})
    assert refused.code == "unavailable"
    assert refused.retry_after == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"json": {"error": "no"}}, {"json": []}])
def test_a_page_of_somebody_else_is_no_answer(answer: dict[str, object]) -> None:
    with pytest.raises(InvalidAnswer, match="POST http://a/v1/predict was answered with status 502"):
        answered(502, **answer)


def test_fields_that_are_not_known_are_left_out_and_missing_ones_named() -> None:
    assert ModelId.of({"name": "a", "digest": "b", "new": 1}) == ModelId(name="a", digest="b")
    assert Sentence.of({"index": 0, "offset": 0, "length": 1, "probability": 0.5, "delta": 1, "state": [1]}).id == 1
    with pytest.raises(InvalidAnswer, match=r"no ModelId .*digest"):
        ModelId.of({"name": "a"})
