"""Lines of JSON with the request's id, and none of what nobody may read."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from service import logs, phases
from service.later import SECONDS
from service.logs import OTHERS, Lines
from service.metrics.families import Families
from service.metrics.ledger import Ledger
from service.phases import PHASES, Phases
from tests.service.live import KEY, TEXT, Live, Upload
from tests.waiting import eventually

NEEDLE = "zanzibarquux"


class Kept(logging.Handler):
    """What an installed handler would write, as it was read again."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(Lines())
        self.lines: list[dict[str, Any]] = []
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        assert "\n" not in line
        self.text += line + "\n"
        self.lines.append(json.loads(line))


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


class Written:
    """Lines of requests, as they were read again."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        self.text += self._capsys.readouterr().out
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def written(live: Live, capsys: pytest.CaptureFixture[str]) -> Written:
    """Of the requests from now on: those of earlier tests have ended, and their lines are written, before."""
    eventually(lambda: live.tasks() == 0, "no request is being answered")
    live.do(asyncio.sleep(SECONDS))  # what was due before is done first, whichever Serving's it is
    capsys.readouterr()
    return Written(capsys)


def test_a_request_is_a_line_with_its_id_and_the_milliseconds_of_its_phases(live: Live, written: Written) -> None:
    live.post("/v1/predict", {"text": TEXT, "task": "spam"}, x_request_id="one")
    live.post("/v1/predict", {"text": "", "task": "spam"}, x_request_id="two")
    live.client.get("/v1/sessions/private-name?task=spam", headers={"x-request-id": "three"})
    eventually(lambda: len(written.lines) == 3, "three lines are there")
    one, two, three = written.lines
    assert {name: one[name] for name in ("level", "logger", "message", "request_id", "route", "method", "status")} == {
        "level": "info",
        "logger": "service.requests",
        "message": "request",
        "request_id": "one",
        "route": "/v1/predict",
        "method": "POST",
        "status": 200,
    }
    assert "error" not in one
    assert {"parse", "segment", "tokenize", "queue", "model", "serialise"} == set(one["phases"])
    assert 0 < sum(one["phases"].values()) <= one["ms"]
    assert (two["request_id"], two["status"], two["error"]) == ("two", 400, "empty_text")
    assert (three["route"], three["error"]) == ("/v1/sessions/{id}", "session_not_found")
    assert "private-name" not in written.text


def test_scrapes_are_no_lines(live: Live, written: Written) -> None:
    live.client.get("/metrics")
    live.client.get("/v1/models", headers={"x-request-id": "last"})
    eventually(lambda: bool(written.lines), "the last line is there")
    assert [line["request_id"] for line in written.lines] == ["last"]


def test_nothing_of_a_text_a_session_or_a_key_is_logged_or_counted(
    live: Live, kept: Kept, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"text": f"{NEEDLE} {TEXT}", "task": "spam", "session_id": NEEDLE}
    headers = {"authorization": f"Bearer {NEEDLE}", "cookie": NEEDLE}
    for path in ("/v1/predict", "/v1/stream"):
        for change in ({}, {"task": NEEDLE}, {"model": NEEDLE}, {NEEDLE: 1}, {"threshold": NEEDLE}, {"step": 7}):
            live.client.post(path, json=secret | change, headers=headers)
    live.client.post("/v1/predict", content=NEEDLE.encode(), headers={"content-type": NEEDLE})
    live.client.get(f"/{NEEDLE}?{NEEDLE}")
    live.client.request("PURGE", f"/v1/sessions/{NEEDLE}")
    with Upload(live.port, f"/v1/stream?task=spam&session_id={NEEDLE}") as upload:
        upload.send(NEEDLE)

    async def broken(*_: object) -> None:
        try:
            raise KeyError(NEEDLE)
        except KeyError as error:
            raise ValueError(f"cannot read {NEEDLE}") from error

    with monkeypatch.context() as patched:
        patched.setattr(live.serving, "answer", broken)
        live.client.post("/v1/predict", json=secret)
    eventually(lambda: any(line["message"].endswith("failed") for line in kept.lines), "the failure is logged")
    eventually(lambda: len(written.lines) == 17, "every request is a line")
    told = kept.text + written.text + live.client.get("/metrics").text
    for private in (NEEDLE, repr(KEY), KEY.hex(), base64.b64encode(KEY).decode()):
        assert private.lower() not in told.lower()
    live.client.delete(f"/v1/sessions/{NEEDLE}")


def test_an_exception_is_its_type_and_where_it_was_raised() -> None:
    try:
        try:
            json.loads(NEEDLE)
        except ValueError as error:
            raise RuntimeError(NEEDLE) from error
    except RuntimeError:
        record = logging.LogRecord("service.x", logging.ERROR, "x.py", 1, "it broke", None, sys.exc_info())
    line = Lines().format(record)
    assert NEEDLE not in line
    said = json.loads(line)
    assert [link["type"] for link in said["exception"]] == ["builtins.RuntimeError", "json.decoder.JSONDecodeError"]
    (frame,) = said["exception"][0]["frames"]
    assert frame.startswith(__file__)
    assert frame.endswith("test_an_exception_is_its_type_and_where_it_was_raised")
    assert "request_id" not in said


def test_what_asyncio_says_of_a_task_that_nobody_awaited_quotes_nothing(kept: Kept) -> None:
    async def fails() -> None:
        raise ValueError(NEEDLE)

    async def main() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        del task

    asyncio.run(main())
    (line,) = kept.lines
    assert (line["logger"], line["message"]) == ("asyncio", "Task exception was never retrieved")
    assert line["exception"][0]["type"] == "builtins.ValueError"
    assert NEEDLE not in kept.text


def test_a_line_within_a_request_has_its_id() -> None:
    families = Families(CollectorRegistry(), Ledger())
    token = phases.begin(Phases("abc", {name: families.phase_seconds[name] for name in PHASES}))
    record = logging.LogRecord("service.x", logging.WARNING, "x.py", 1, "said %s", ("so",), None)
    said = json.loads(Lines().format(record))
    phases.end(token)
    assert (said["request_id"], said["message"], said["level"]) == ("abc", "said so", "warning")


def test_it_takes_the_place_of_the_handlers_that_were_there(monkeypatch: pytest.MonkeyPatch) -> None:
    loggers = [logging.getLogger(name) for name in OTHERS]
    root, ours = logging.getLogger(), logging.getLogger("service")
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in [root, ours, *loggers]]
    written = io.StringIO()
    monkeypatch.setattr(sys, "stdout", written)
    try:
        loggers[0].handlers, loggers[0].propagate = [logging.StreamHandler(written)], False
        logs.install()
        loggers[0].error("once")
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate, logger.level = handlers, propagate, level
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["message"] == "once"
