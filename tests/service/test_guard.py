"""What every request passes: a body within limits, a key, a number, and an answer whatever breaks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import routes
from service.guard import NATIVE, OTHER, PROBES, ROUTES, Guard, template
from service.serving import Serving
from tests.service.live import Bench, Live, Upload, eventually

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
    assert table - {"/{path:path}", "/docs/{name}"} == set(ROUTES) - {*NATIVE, *PROBES}


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("a" * 129, False), ("a b", False), ("é", False), ("", False)]
)
def test_every_answer_has_a_request_id_of_the_caller_or_of_ours(live: Live, given: str, kept: bool) -> None:
    for path in ("/v1/status", "/nothing", "/v1/models"):
        said = live.client.get(path, headers=[(b"x-request-id", given.encode())]).headers["x-request-id"]
        assert (said == given) is kept
        assert 0 < len(said) <= 128


def test_what_breaks_is_500_with_a_number_to_report_and_the_next_request_is_answered(
    live: Live, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError("the secret of /home/anna")

    with monkeypatch.context() as patched:
        patched.setattr(live.serving, "predict", broken)
        response = live.post("/v1/predict", GOOD, x_request_id="look-me-up")
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


class Asked:
    """A native route of BentoML: reads the body as it comes, without limits."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.tenants: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        self.bodies.append(await request.body())
        self.tenants.append(scope["state"]["tenant"])
        assert (await receive())["type"] == "http.disconnect"
        await JSONResponse({})(scope, receive, send)


def native(
    bench: Bench, app: ASGIApp, pieces: list[bytes], host: str = "localhost", declared: int | None = None
) -> tuple[int, bytes]:
    """POSTs pieces to /predict."""
    answer: list[Message] = []
    more: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages: list[Message] = [*more, {"type": "http.request"}, {"type": "http.disconnect"}]

    async def use(serving: Serving) -> None:
        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            answer.append(message)

        headers = [(b"host", host.encode())]
        headers += [] if declared is None else [(b"content-length", str(declared).encode())]
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers, "client": ("127.0.0.1", 1)}
        await Guard(app, lambda: serving)(scope, receive, send)

    bench.run(use, max_body=2000)
    assert [message["type"] for message in answer].count("http.response.start") == 1
    return answer[0]["status"], answer[1]["body"]


def test_native_routes_get_their_body_once_it_is_found_right(bench: Bench) -> None:
    asked = Asked()
    assert native(bench, asked, [b"a" * 1000, b"b" * 1000])[0] == 200
    assert asked.bodies == [b"a" * 1000 + b"b" * 1000]
    assert asked.tenants == ["public"]


def test_native_routes_have_our_limits_and_our_keys(bench: Bench) -> None:
    def code(status: int, body: bytes) -> tuple[int, str]:
        return status, json.loads(body)["error"]["code"]

    asked = Asked()
    assert code(*native(bench, asked, [b"a" * 1000, b"b" * 1001])) == (413, "body_too_large")
    assert code(*native(bench, asked, [], declared=2001, host="evil.example")) == (413, "body_too_large")
    assert code(*native(bench, asked, [b"a"], host="evil.example")) == (403, "forbidden")
    assert asked.bodies == []


def test_what_breaks_after_the_answer_has_begun_is_not_answered_twice(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ZeroDivisionError

    assert native(bench, app, []) == (200, b"half")
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
