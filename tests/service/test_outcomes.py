"""What a request can come to is what the application has and the errors are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.routing import Route

from models.errors import ArtefactError, UndertoneError
from service import errors, outcomes, routes
from service.app import BENTOS
from service.guard import OTHER, ROUTES, STREAM, WEBSOCKET, template
from service.metrics.metrics import LIMITS


def kinds(root: type[UndertoneError] = UndertoneError) -> Iterator[type[UndertoneError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_route_is_there_with_the_methods_that_it_takes() -> None:
    application = routes.application(lambda: pytest.fail("not asked"))
    served = {
        (template(route.path.replace("{name}", "x")), method)
        for route in application.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }
    served |= {(path, method) for method, path in BENTOS if path in ROUTES}
    served = {(path, method) for path, method in served if method != "HEAD"} | {(STREAM, WEBSOCKET)}
    assert {key for key in outcomes.ANSWERS if key[0] != OTHER} == served


def test_every_code_that_a_caller_may_see_is_somewhere() -> None:
    said = {code for _, code in outcomes.errors()}
    assert said == {
        kind.code for kind in kinds() if kind.__module__ in (errors.__name__, UndertoneError.__module__)
    } - {ArtefactError.code}
    assert said >= LIMITS.keys()


def test_an_error_has_its_status_among_the_requests() -> None:
    requests = set(outcomes.requests())
    assert ("/v1/predict", "POST", "200") in requests
    assert ("/v1/predict", "POST", "499") in requests
    assert ("/v1/predict", "GET", "405") in requests
    assert ("/v1/stream", "WEBSOCKET", "101") in requests
    for (route, method), answers in outcomes.ANSWERS.items():
        assert {(route, method, str(error.status)) for error in answers.errors} <= requests
