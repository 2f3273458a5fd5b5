"""What Operations makes of traffic: of the service's own, with nothing missing, and of a known one, to the last digit.

The page's clock stands still but for `later`: two looks are five seconds apart, and rates can be known exactly.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import httpx
import pytest
from playwright.sync_api import expect
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from tests.e2e.console.screen import MISSING, PATIENCE, Screen
from tests.e2e.server import Service, client_per_worker, counted
from tests.waiting import settled

pytestmark = pytest.mark.tools
LOOKS: Final = ("/", "/console/{name}", "/metrics", "/v1/status", "/livez", "/readyz", "/healthz")
"""Routes of those who only look, this page among them."""
TILES: Final = ("Service", "Rate", "Latency", "Errors", "Sessions", "Redis")
MODELS: Final = ("sentiment-conv1d", "sentiment-gru", "spam-conv1d", "spam-gru")
Asked = dict[tuple[str, str], int]
"""Requests by route and status."""
BEFORE: Final[Asked] = {("/v1/predict", "200"): 1000, ("/v1/predict", "500"): 10, ("/readyz", "503"): 3}
AFTER: Final[Asked] = {
    ("/v1/predict", "200"): 1030,
    ("/v1/predict", "500"): 12,
    ("/v1/stream", "400"): 8,
    **{(route, "200"): 100 for route in LOOKS},
    ("/readyz", "503"): 60,
}
"""In five seconds 40 requests for something, 2 of which failed on this side."""
FAST, SLOW = 0.004, 0.5
LATER: Final = [FAST] * 20 + [0.05] * 10 + [SLOW] * 2


def look(screen: Screen) -> None:
    """The first of two."""
    screen.page.get_by_role("tab", name="Operations").click()
    expect(screen["operations-note"]).to_contain_text("Rates come with the second look")


def look_again(screen: Screen) -> None:
    screen.later(5)
    expect(screen["operations-note"]).to_contain_text("over the last 5 s")


def rest(service: Service) -> float:
    """Waits for what earlier requests, of this page too, leave: it is written down a tenth of a second later.

    Whatever has been asked of each worker is written with what it is asked now; and the sum, once nothing changes.
    """

    def after_all() -> float:
        with client_per_worker(service) as clients:
            for client in clients.values():
                client.get("/livez")
        time.sleep(0.2)
        return asked_so_far(service)

    return settled(after_all, pause=0)


def written(service: Service, number: float) -> None:
    """Waits until so many requests are written down, whichever worker tells."""
    until = time.monotonic() + PATIENCE / 1000
    while asked_so_far(service) != number:
        assert time.monotonic() < until, f"{asked_so_far(service)} requests are written down, sent were {number}"
        time.sleep(0.05)


def asked_so_far(service: Service) -> float:
    text = httpx.get(f"{service.url}/metrics", timeout=60).text
    name = "undertone_requests_total"
    return counted(text, name) - sum(counted(text, name, route=route) for route in LOOKS)


def test_the_traffic_of_the_service_is_seen_and_nothing_is_missing(screen: Screen) -> None:
    screen.frozen()
    before = rest(screen.service)
    look(screen)
    with httpx.Client(base_url=screen.service.url, timeout=60) as client:
        for _ in range(6):
            client.post("/v1/predict", json={"text": "You won!", "task": "spam"})
        client.post("/v1/stream", json={"text": "You won!", "task": "spam", "session_id": "traffic"})
        for _ in range(3):
            client.post("/v1/predict_batch", json={"texts": 1, "task": "spam"})
        for route in LOOKS:
            for _ in range(4):
                assert client.get(route.format(name="main.js")).status_code == 200, route
    written(screen.service, before + 10)
    look_again(screen)
    titles = screen["cards"].get_by_role("heading", level=2)
    expect(titles).to_have_count(len(TILES + MODELS))
    assert sorted(titles.all_text_contents()) == sorted(TILES + MODELS)
    expect(screen["cards"]).not_to_contain_text(MISSING)
    expect(screen["cards"].locator(".missing")).to_have_count(0)
    expect(screen.tile("Rate").locator(".big")).to_have_text("2 /s")
    expect(screen.tile("Errors").locator(".big")).to_have_text("0.00 %")
    expect(screen.tile("Errors").get_by_role("row", name="invalid_request")).to_contain_text("3")
    rows = screen.tile("Latency").locator("tbody tr")
    expect(rows.locator("td:nth-child(1)")).to_have_text(
        ["/v1/predict", "/v1/predict_batch", "first event of a stream"]
    )
    expect(rows.locator("td:nth-child(2)")).to_have_text(["6", "3", ""])
    for quantile in rows.locator("td:nth-child(n + 3)").all_text_contents():
        number, unit = quantile.split()
        assert float(number) > 0
        assert unit in ("ms", "s")


def exposition(asked: Asked, seconds: list[float]) -> str:
    """With the names of docs/metrics.md, by Prometheus' own client."""
    registry = CollectorRegistry()
    requests = Counter("undertone_requests", "r", ["route", "method", "status"], registry=registry)
    failed = Counter("undertone_errors", "e", ["route", "code"], registry=registry)
    for (route, status), number in asked.items():
        requests.labels(route, "GET", status).inc(number)
        if status != "200":
            failed.labels(route, f"code_{status}").inc(number)
    took = Histogram("undertone_request_seconds", "s", ["route"], registry=registry, buckets=(0.01, 0.1, 1.0))
    for value in seconds:
        took.labels("/v1/predict").observe(value)
        took.labels("/metrics").observe(SLOW)
    return generate_latest(registry).decode()


def test_rate_quantiles_and_errors_are_exact(opened: Callable[..., Screen], service: Service) -> None:
    screen = opened(service).connected().frozen()
    said = [exposition(BEFORE, [SLOW] * 1000), *[exposition(AFTER, [SLOW] * 1000 + LATER)] * 2]
    screen.page.route("**/metrics", lambda route: route.fulfill(body=said.pop(0), content_type="text/plain"))
    look(screen)
    expect(screen.tile("Rate").locator(".big")).to_have_text("in a moment")
    look_again(screen)
    expect(screen.tile("Rate").locator(".big")).to_have_text("8 /s")
    expect(screen.tile("Rate").locator("dd").nth(1)).to_have_text("1,050")
    # Rank 16 of 20 in (0, 10 ms]; rank 31.68, of which 30 lie below, of 2 in (0.1 s, 1 s].
    expect(screen.tile("Latency").locator("tbody td")).to_have_text(["/v1/predict", "32", "8 ms", "856 ms"])
    expect(screen.tile("Errors").locator(".big")).to_have_text("⚠ 5.00 %")
    expect(screen.tile("Errors").locator("tbody td")).to_have_text(["code_400", "8", "code_500", "2"])
    screen.later(5)
    curve = screen.tile("Rate").get_by_role("img")
    expect(curve).to_have_accessible_name("requests a second, over the time that this view was open: at most 8.0")
    assert not said
