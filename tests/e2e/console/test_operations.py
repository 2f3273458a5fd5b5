"""The console's second tab: what it makes of /metrics, held against Prometheus' own client and plain arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Route, expect
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.console.screen import MISSING, Screen
from tests.e2e.server import Service

pytestmark = pytest.mark.tools
MODULE: Final = "const {parsed, quantile, psi, shares, increase, sum} = await import('/console/exposition.js');"
BUCKETS: Final = tuple(round(0.05 * n, 2) for n in range(1, 21))
MODEL: Final = {"task": "spam", "model": "spam-gru", "digest": "sha256:0"}


def asked(screen: Screen, body: str, argument: object) -> Any:
    """What `body`, JavaScript with the functions of exposition.js, returns."""
    return screen.page.evaluate(f"async given => {{ {MODULE} {body} }}", argument)


def test_the_text_format_is_read_as_prometheus_reads_it(screen: Screen) -> None:
    text = httpx.get(f"{screen.service.url}/metrics", timeout=60).text
    text += 'odd_total{a="x\\"y\\\\z\\nw",b="{1,2} 3"} 4.5e-3 1700000000000\nplain 7\nno_number NaN\n'
    got = asked(
        screen,
        "return [...parsed(given)].flatMap(([name, some]) => some.map(({labels, value}) =>"
        "[name, Object.entries(labels).sort(), String(value)]))",
        text,
    )
    wanted = [
        [sample.name, [list(pair) for pair in sorted(sample.labels.items())], float(sample.value)]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
    read = [[name, labels, float(value.replace("Infinity", "inf"))] for name, labels, value in got]
    assert str(sorted(read, key=str)) == str(sorted(wanted, key=str))
    assert len(read) > 100


def test_quantiles_are_those_of_histogram_quantile(screen: Screen) -> None:
    bounds = (0.001, 0.01, 0.1, 1.0, math.inf)
    totals = (10.0, 50.0, 90.0, 98.0, 100.0)
    samples = [
        {"labels": {"le": "+Inf" if math.isinf(le) else str(le)}, "value": value}
        for le, value in zip(bounds, totals, strict=True)
    ]
    for q in (0.05, 0.1, 0.3, 0.5, 0.9, 0.97, 0.99):
        rank = q * totals[-1]
        at = next(n for n, total in enumerate(totals) if total >= rank)
        start, under = (bounds[at - 1], totals[at - 1]) if at else (0.0, 0.0)
        wanted = (
            bounds[-2]
            if math.isinf(bounds[at])
            else start + (bounds[at] - start) * (rank - under) / (totals[at] - under)
        )
        assert asked(screen, "return quantile(given[0], given[1])", [q, samples]) == pytest.approx(wanted)
    assert asked(screen, "return quantile(0.5, given)", [s | {"value": 0} for s in samples]) is None
    fell = asked(screen, "return sum(increase(given[0], given[1]))", [samples[:1], [samples[0] | {"value": 4}]])
    assert fell == 4  # a counter that began anew


def contract(documents: list[float], reference: list[float]) -> str:
    """An exposition with the names of docs/metrics.md, by Prometheus' own client."""
    registry = CollectorRegistry()
    names = list(MODEL)
    seen = Histogram("undertone_probability", "p", names, registry=registry, buckets=BUCKETS).labels(**MODEL)
    certain = Counter("undertone_certainty_total", "c", names, registry=registry).labels(**MODEL)
    finished = Counter("undertone_documents_total", "d", names, registry=registry).labels(**MODEL)
    for p in documents:
        seen.observe(p)
        certain.inc(max(p, 1 - p))
        finished.inc()
    ratio = Gauge("undertone_reference_ratio", "r", [*names, "feature", "ge", "le"], registry=registry)
    bounds = [*map(str, BUCKETS), "+Inf"]
    for ge, le in zip(["", *bounds], bounds, strict=False):
        share = sum(p <= float(le) for p in reference) / len(reference)
        ratio.labels(**MODEL, feature="probability", ge=ge, le=le).set(share)
        ratio.labels(**MODEL, feature="sentence_words", ge=ge, le=le).set(0.5)
    Gauge("undertone_redis_up", "u", registry=registry).set(1)
    Gauge("undertone_redis_keys", "k", registry=registry).set(12_345)
    events = Counter("undertone_sessions_total", "s", ["task", "event"], registry=registry)
    events.labels("spam", "created").inc(7)
    return generate_latest(registry).decode()


def index(now: list[float], then: list[float]) -> float:
    """Population stability index, from its definition."""
    edges = [0.0, *BUCKETS, math.inf]

    def share(values: list[float], low: float, high: float) -> float:
        return max(1e-4, sum(low < p <= high for p in values) / len(values))

    pairs = [(share(now, a, b), share(then, a, b)) for a, b in pairwise(edges)]
    return sum((a - b) * math.log(a / b) for a, b in pairs)


@pytest.mark.parametrize(
    ("seen", "word"),
    [([0.02] * 65 + [0.97] * 55, "as in validation"), ([0.02] * 30 + [0.55] * 100, "is another distribution")],
)
def test_drift_and_expected_accuracy(
    opened: Callable[..., Screen], service: Service, seen: list[float], word: str
) -> None:
    reference = [0.02] * 600 + [0.97] * 400
    screen = opened(service).connected()
    text = contract(seen, reference)
    screen.page.route("**/metrics", lambda route: route.fulfill(body=text, content_type="text/plain"))
    screen.page.get_by_role("tab", name="Operations").click()
    tile = screen.tile("spam-gru")
    expect(tile).to_contain_text(f"PSI {index(seen, reference):.2f}")
    expect(tile).to_contain_text(word)
    expected = 100 * sum(max(p, 1 - p) for p in seen) / len(seen)
    expect(tile).to_contain_text(f"{expected:.1f} %")
    expect(screen["cards"]).to_contain_text("12,345")
    expect(screen["cards"].get_by_role("row", name="created")).to_contain_text("7")


def test_what_is_not_reported_is_said_to_be_so(screen: Screen) -> None:
    screen.page.route("**/metrics", lambda route: route.fulfill(body="up 1\n", content_type="text/plain"))
    screen.page.get_by_role("tab", name="Operations").click()
    for title in ("Service", "Rate", "Latency", "Errors", "Sessions", "Redis"):
        expect(screen.tile(title)).to_contain_text(MISSING)


def test_a_look_that_fails(screen: Screen) -> None:
    screen.frozen()  # the second look would come by itself
    screen.page.get_by_role("tab", name="Operations").click()
    expect(screen["operations-note"]).to_contain_text("Rates come with the second look")

    def fail(route: Route) -> None:
        error = {"code": "forbidden", "message": "scripts may not call this"}
        route.fulfill(status=403, json={"error": error})

    screen.page.route("**/metrics", fail)
    screen.later(5)
    expect(screen["operations-note"]).to_contain_text("forbidden: scripts may not call this")
    expect(screen["operations-note"]).to_contain_text("The numbers below are of")
