"""What every request passes: a body within limits, a key, a number, and an answer whatever breaks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from service import routes
from service.guard import OTHER, PROBES, ROUTES, Guard, template
from service.serving import Serving
from tests.service.live import Bench, Live, Upload
from tests.waiting import eventually

GOOD = {"text": "free money", "task": "spam"}


@pytest.mark.parametrize(
    ("path", "route"),
    [
        *((path, path) for path in ROUTES if "{" not in path),
        ("/v1/sessions/a", "/v1/sessions/{id}"),
        ("/v1/sessions/a/b/c", "/v1/sessions/{id}"),
        ("/docs/swagger-ui.css", "/docs"),
        ("/console/main.js", "/console/{name}"),
        ("/console/a/b", "/console/{name}"),
        ("/v1/models/spam-gru/card", "/v1/models/{model}/card"),
        ("/v1/sessions", "/v1/sessions"),
        ("/wp-login.php", OTHER),
        ("", OTHER),
    ],
)
def test_a_path_belongs_to_a_route(path: str, route: str) -> None:
    assert template(path) == route


def test_every_route_of_the_application_is_known() -> None:
    application = routes.application(lambda: pytest.fail("not asked"))
    table = {route.path for route in application.routes if isinstance(route, Route)}
    assert table - {"/{path:path}", "/docs/{name}"} == set(ROUTES) - set(PROBES)


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("a" * 129, False), ("a b", False), ("é", False), ("", False)]
)
def test_every_answer_has_a_request_id_of_the_caller_or_of_ours(live: Live, given: str, kept: bool) -> None:
    for path in ("/v1/status", "/nothing", "/v1/models"):
        said = live.client.get(path, headers=[(b"x-request-id", given.encode())]).headers["x-request-id"]
        assert (said == given) is kept
        assert 0 < len(said) <= 128


@pytest.mark.parametrize("path", ["/v1/predict", "/predict"])
def test_what_breaks_is_500_with_a_number_to_report_and_the_next_request_is_answered(
    path: str, live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret of /home/anna")

    with monkeypatch.context() as patched:
        patched.setattr(live.serving, "answer", broken)
        response = live.post(path, GOOD, x_request_id="look-me-up")
    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (500, "internal")
    assert "look-me-up" in error["message"]
    assert not any(word in response.text for word in ("secret", "anna", "ZeroDivision", "Traceback"))
    assert "look-me-up" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert live.post("/v1/predict", GOOD).status_code == 200


def test_a_page_that_is_named_in_the_origins_may_ask_first_and_read_the_answer(live: Live, bench: Bench) -> None:
    page = "https://mail.example"
    ask = {"access-control-request-method": "POST", "access-control-request-headers": "authorization, content-type"}
    with live.with_serving(bench.serving(origins=frozenset({page}))):
        asked = live.client.options("/v1/predict", headers={"origin": page, **ask})
        answer = live.client.post("/v1/predict", json=GOOD, headers={"origin": page})
        stranger = live.client.options("/v1/predict", headers={"origin": "https://evil.example", **ask})
        refused = live.client.post("/v1/predict", json=GOOD, headers={"origin": "https://evil.example"})
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, page)
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert "authorization" in asked.headers["access-control-allow-headers"]
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, page)
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert (stranger.status_code, refused.status_code) == (405, 403)
    assert not any("access-control-allow-origin" in response.headers for response in (stranger, refused))


def test_a_client_that_goes_while_it_sends_is_no_error(live: Live, caplog: pytest.LogCaptureFixture) -> None:
    def gone() -> float:
        return live.serving.metrics.families.requests["/v1/predict", "POST", "499"].total

    before = gone()
    with Upload(live.port, "/v1/predict", content_type="application/json") as upload:
        upload.send('{"text": "fr')
        eventually(lambda: live.tasks() > 0, "the request has come")
    eventually(lambda: gone() == before + 1, "its end is counted")
    eventually(lambda: live.tasks() == 0, "nothing is left of it")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert live.post("/v1/predict", GOOD).status_code == 200


def test_what_breaks_after_the_answer_has_begun_is_not_answered_twice(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    answer: list[Message] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ZeroDivisionError

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        answer.append(message)

    async def use(serving: Serving) -> None:
        scope = {"type": "http", "method": "GET", "path": "/livez", "headers": [], "client": ("127.0.0.1", 1)}
        await Guard(app, lambda: serving)(scope, receive, send)

    bench.run(use)
    assert [message.get("body") for message in answer] == [None, b"half"]
    assert "ZeroDivisionError" in caplog.text


def test_other_protocols_pass(bench: Bench) -> None:
    seen: list[str] = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def nowhere(_: Message) -> None:
        return

    unused: Callable[[], Serving] = lambda: pytest.fail("not asked")  # noqa: E731
    asyncio.run(Guard(app, unused)({"type": "lifespan"}, nothing, nowhere))
    assert seen == ["lifespan"]
