"""/docs.json describes what is served, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.routing import Route

from service import guard, openapi, requests, routes, sockets, wire
from service.errors import Idle, Retry, ShuttingDown
from service.outcomes import ANSWERS
from service.settings import Settings
from tests.service.live import TEXT, Live, events

DOCUMENT = openapi.document()
SCHEMAS = DOCUMENT["components"]["schemas"]


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(node, dict):
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(below)


def test_every_reference_leads_somewhere() -> None:
    references = [node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node]
    assert len(references) > 20
    for reference in references:
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert isinstance(found, dict)


def test_every_path_is_served_and_every_path_of_version_1_is_described() -> None:
    served = {
        route.path: (route.methods or set()) - {"HEAD"}
        for route in routes.application(lambda: pytest.fail("not asked")).routes
        if isinstance(route, Route) and route.path.startswith("/v1/")
    }
    assert {path: {method.upper() for method in methods} for path, methods in DOCUMENT["paths"].items()} == served


def test_every_operation_is_whole() -> None:
    assert DOCUMENT["openapi"].startswith("3.1")
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for path, methods in DOCUMENT["paths"].items():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["responses"]["default"]["content"]["application/json"]["schema"]
            assert all(response["description"] for response in operation["responses"].values())
            parameters = operation.get("parameters", [])
            names = [parameter["name"] for parameter in parameters]
            assert len(names) == len(set(names))
            assert {p["name"] for p in parameters if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
            assert all(p["required"] for p in parameters if p["in"] == "path")
            assert all(p["schema"] for p in parameters)


def test_every_operation_says_how_it_can_fail() -> None:
    seen: set[str] = set()
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            seen.add(operation["operationId"])
            for kind in ANSWERS[path, method.upper()].errors:
                response = operation["responses"][str(kind.status)]
                assert f"`{kind.code}`" in response["description"]
                assert ("Retry-After" in response.get("headers", {})) == issubclass(kind, Retry)
    assert len(seen) == sum(map(len, DOCUMENT["paths"].values()))
    assert "post_v1_predict" in seen
    overloaded = DOCUMENT["paths"]["/v1/predict"]["post"]["responses"]["503"]
    assert overloaded["description"] == "`overloaded`, `store_unavailable`"


def test_the_query_of_a_stream_is_what_is_read() -> None:
    (post,) = DOCUMENT["paths"]["/v1/stream"].values()
    assert tuple(parameter["name"] for parameter in post["parameters"]) == requests.QUERY


def test_the_websocket_is_described_with_its_frames_its_codes_and_its_limits() -> None:
    about = DOCUMENT["paths"]["/v1/stream"]["post"]["description"]
    for name in ("TextFrame", "EndFrame", "ProvisionalSentence"):
        assert name in about
        assert name in SCHEMAS
    for code in (
        sockets.NORMAL,
        sockets.APPLICATION + Idle.status,
        sockets.APPLICATION + ShuttingDown.status,
        guard.BROKEN,
        1009,
    ):
        assert str(code) in about
    rows = re.findall(r"\| `(\w+)` \| ([\d,.]+) \|", about)
    named = {name: float(default.replace(",", "")) for name, default in rows}
    defaults = Settings()
    assert named == {
        "UNDERTONE_IDLE": defaults.idle,
        "UNDERTONE_MAX_STREAM": defaults.max_stream,
        "UNDERTONE_MAX_BODY": defaults.max_body,
        "UNDERTONE_MAX_TEXT": defaults.max_text,
        "UNDERTONE_MAX_FRAME": defaults.max_frame,
        "UNDERTONE_FRAME_RATE": defaults.frame_rate,
    }


def test_examples_are_what_the_models_take() -> None:
    examined = 0
    for model in (wire.PredictIn, wire.StreamIn, wire.BatchIn):
        for example in SCHEMAS[model.__name__]["examples"]:
            model.model_validate(example)
            examined += 1
    for name, schema in SCHEMAS.items():
        model = getattr(wire, name)
        for field, about in schema.get("properties", {}).items():
            for example in about.get("examples", ()):
                TypeAdapter(model.model_fields[field].annotation).validate_python(example)
                examined += 1
    assert examined >= 4


def test_unknown_fields_are_described_as_refused() -> None:
    assert all(schema["additionalProperties"] is False for schema in SCHEMAS.values() if schema["type"] == "object")


def test_answers_are_what_is_described(live: Live) -> None:
    asked = {"text": TEXT, "task": "spam", "session_id": "described"}
    wire.Prediction.model_validate_json(live.post("/v1/predict", asked).content)
    wire.SessionState.model_validate_json(live.client.get("/v1/sessions/described?task=spam").content)
    wire.BatchOut.model_validate_json(live.post("/v1/predict_batch", {"texts": [TEXT, ""], "task": "spam"}).content)
    wire.ModelsOut.model_validate_json(live.client.get("/v1/models").content)
    wire.StatusOut.model_validate_json(live.client.get("/v1/status").content)
    wire.ErrorOut.model_validate_json(live.post("/v1/predict", asked | {"step": 99}).content)
    *sentences, done = events(live.post("/v1/stream", asked).content)
    wire.Done.model_validate(done.data)
    for sentence in sentences:
        wire.StreamedSentence.model_validate(sentence.data)
    assert live.client.get("/docs.json").json() == DOCUMENT
    assert live.client.delete("/v1/sessions/described").status_code == 204
