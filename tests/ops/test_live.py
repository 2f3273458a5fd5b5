"""A service of two workers, Redis and Prometheus itself under mixed traffic: every panel and every rule has something
to say, and it is what was sent."""

from __future__ import annotations

import contextlib
import itertools
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import httpx
import pytest

from models.reference import BOUNDS, binned
from service.guard import PROBES
from tests.e2e.server import ROOT
from tests.ops.files import DASHBOARDS, alerts, expanded, panels, rules, unconditional
from tests.ops.prometheus import Prometheus
from tests.ops.stage import Stage, stage
from tests.ops.traffic import Tally, Traffic

pytestmark = pytest.mark.tools
ROUNDS: Final = 12
"""Of traffic: a few too few for the alerts that want a number."""
PAUSE: Final = 5.0
"""Seconds from the beginning of a round to that of the next: a minute in all."""
LAST: Final = 120.0
"""Seconds after which no round begins any more: on a busy machine a few are enough, and all of it has to fit WINDOW."""
TIMED: Final = {
    "UndertoneRedisSlow", "UndertoneLatencyFastBurn", "UndertoneLatencySlowBurn", "UndertoneInstanceDown",
}  # fmt: skip
"""Alerts that a busy machine raises; a scrape has a second."""
WINDOW: Final = "5m"
SECONDS: Final = 300
"""The same; they hold all of it."""
CLOSE: Final = 0.05
"""increase() reckons what a window's ends may have missed: a scrape or so of sixty."""
OWN: Final = "|".join((*PROBES, "/metrics"))
"""Routes that are asked before Prometheus has looked for the first time."""
LATEST: Final = ("job_objective:undertone_burn", "job:undertone_redis_seconds:p99_5m", "model:undertone_drift:psi6h")
"""Recorded late by each group of rules."""
RULES: Final = rules()
COUNTERS: Final = sorted(
    set(re.findall(r"(?m)^\| `(undertone_\w+_total)` \|", (ROOT / "docs" / "metrics.md").read_text("utf-8")))
    - {"undertone_worker_starts_total", "undertone_redis_expired_keys_total", "undertone_redis_evicted_keys_total"}
)
"""Ours that count what is asked for: workers start before they are asked anything, and Redis counts for itself."""
QUERIES: Final = [(panel, query) for path in DASHBOARDS for panel in panels(path) for query in panel.queries]


class Driven(NamedTuple):
    stage: Stage
    sent: Tally


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    with stage(tmp_path_factory.mktemp("stage")) as on, contextlib.closing(Traffic(on.service.url)) as traffic:
        first = time.monotonic()
        for _ in range(ROUNDS):
            began = time.monotonic()
            if began - first > LAST:
                break
            traffic.round()
            time.sleep(max(0.0, began + PAUSE - time.monotonic()))
        # What is observed is written a moment after the answer, and not all of it at once.
        counted = f'sum(undertone_requests_total{{route!~"{OWN}"}}) == {traffic.tally.requests.total()}'
        since = on.prometheus.until(counted) + 2 * on.prometheus.interval
        evaluated = [f"min(timestamp({name})) > {since}" for name in LATEST]
        on.prometheus.hold(" and ".join([counted, *evaluated]))
        yield Driven(on, traffic.tally)


@pytest.fixture
def prometheus(driven: Driven) -> Prometheus:
    return driven.stage.prometheus


@pytest.fixture
def sent(driven: Driven) -> Tally:
    return driven.sent


def told(values: dict[frozenset[tuple[str, str]], float], *names: str) -> dict[tuple[str, ...], float]:
    """By the values of these labels; what is 0 is left out."""
    return {tuple(dict(labels)[name] for name in names): value for labels, value in values.items() if value}


def test_every_panel_has_data(prometheus: Prometheus) -> None:
    silent = [
        (panel.dashboard, panel.title, query.expression)
        for panel, query in QUERIES
        if all(map(math.isnan, prometheus.values(expanded(query.expression, WINDOW)).values()))
    ]
    assert silent == []


def shown(prometheus: Prometheus, title: str) -> dict[str, float]:
    """What a panel's one query draws, by its legend; what is 0, or nothing of nothing, is left out."""
    ((_, query),) = ((panel, query) for panel, query in QUERIES if panel.title == title)
    found = prometheus.values(expanded(query.expression, WINDOW))
    return {query.named(dict(labels)): value for labels, value in found.items() if value and not math.isnan(value)}


def test_panels_show_what_was_sent(prometheus: Prometheus, sent: Tally) -> None:
    def added(counts: Mapping[Any, int], part: int) -> Counter[str]:
        """By one part of its key."""
        sums: Counter[str] = Counter()
        for key, number in counts.items():
            sums[key[part]] += number
        return sums

    texts = {model: len(lengths) for model, lengths in sent.lengths.items()}
    for title, counted in (
        ("Requests by route", added(sent.requests, 0)),
        ("Errors by code", added(sent.errors, 1)),
        ("What happens to sessions", sent.sessions),
        ("Texts scored to their end", texts),
        ("Texts scored", texts),
    ):
        found = {name: rate * SECONDS for name, rate in shown(prometheus, title).items() if name not in OWN}
        assert found == pytest.approx(counted, rel=CLOSE), title
    of_models = added(sent.labels, 0)
    shares = {
        f"{model.removesuffix('-gru')} {label}": n / of_models[model] for (model, label), n in sent.labels.items()
    }
    assert shown(prometheus, "Labels given") == pytest.approx(shares, rel=CLOSE)
    refused = {"spam conflict": sent.sessions["conflict"] / sent.sessions.total()}
    assert shown(prometheus, "Refused with 409, share of 15 minutes") == pytest.approx(refused, rel=CLOSE)


@pytest.mark.parametrize("name", COUNTERS)
def test_a_counter_is_there_before_what_it_counts(prometheus: Prometheus, name: str) -> None:
    assert prometheus.values(f'{name}{{route!~"{OWN}"}}')
    assert prometheus.values(f'min_over_time({name}{{route!~"{OWN}"}}[15m]) > 0') == {}


def test_every_rule_has_data(prometheus: Prometheus) -> None:
    for rule in RULES:
        if "record" in rule:
            labels = ", ".join(f'{name}="{value}"' for name, value in rule.get("labels", {}).items())
            found = prometheus.values(f"{rule['record']}{{{labels}}}")
            assert not all(map(math.isnan, found.values())), rule
        else:
            assert prometheus.values(unconditional(rule["expr"])), rule
    health = {rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]}
    assert health == {"ok"}


def test_no_alert_is_raised_by_traffic_as_it_should_be(prometheus: Prometheus) -> None:
    watched = [rule for group in prometheus.ask("rules", type="alert")["groups"] for rule in group["rules"]]
    assert {rule["name"] for rule in watched} == {alert["alert"] for alert in alerts()}
    assert {rule["name"] for rule in watched if rule["state"] != "inactive"} <= TIMED


def test_counters_say_what_was_sent(prometheus: Prometheus, sent: Tally) -> None:
    requests = told(prometheus.values("undertone_requests_total"), "route", "method", "status")
    ours = {key: number for key, number in requests.items() if key[0] not in (*PROBES, "/metrics")}
    assert ours == sent.requests
    assert told(prometheus.values("undertone_errors_total"), "route", "code") == sent.errors
    assert told(prometheus.values("sum by (event) (undertone_sessions_total)"), "event") == {
        (event,): number for event, number in sent.sessions.items()
    }
    models = {(model,): number for model, number in sent.sentences.items()}
    assert told(prometheus.values("sum by (model) (undertone_sentences_total)"), "model") == models
    assert told(prometheus.values("sum by (model) (undertone_document_sentences_sum)"), "model") == models
    documents = {(model,): len(lengths) for model, lengths in sent.lengths.items()}
    assert told(prometheus.values("sum by (model) (undertone_documents_total)"), "model") == documents
    assert told(prometheus.values("undertone_labels_total"), "model", "label") == sent.labels


def test_increases_begin_at_the_first_request(prometheus: Prometheus, sent: Tally) -> None:
    """A counter that began anywhere but at 0 would hide what came before its first scrape."""
    sessions = prometheus.values("sum by (event) (job_task_event:undertone_sessions:increase15m)")
    assert told(sessions, "event") == pytest.approx({(k,): v for k, v in sent.sessions.items()}, rel=CLOSE)
    documents = prometheus.values("model:undertone_documents:increase6h")
    assert told(documents, "model") == pytest.approx({(k,): len(v) for k, v in sent.lengths.items()}, rel=CLOSE)
    predictions = prometheus.value('increase(undertone_request_seconds_count{route="/v1/predict"}[1h])')
    asked = sum(number for (route, _, _), number in sent.requests.items() if route == "/v1/predict")
    assert predictions == pytest.approx(asked, rel=CLOSE)
    events = prometheus.value('job_objective:undertone_events:rate5m{objective="latency"}')
    assert events * SECONDS == pytest.approx(asked, rel=CLOSE)


def test_expected_accuracy_is_the_mean_certainty_of_the_answers(prometheus: Prometheus, sent: Tally) -> None:
    found = told(prometheus.values("model:undertone_expected_accuracy:ratio6h"), "model")
    wanted = {(m,): sum(max(p, 1 - p) for p in ps) / len(ps) for m, ps in sent.probabilities.items()}
    assert found == pytest.approx(wanted, abs=1e-6)


def test_drift_is_the_population_stability_index_of_the_answers(prometheus: Prometheus, sent: Tally) -> None:
    found = told(prometheus.values('model:undertone_drift:psi6h{feature!="sentence_words"}'), "model", "feature")
    for feature, values in (("probability", sent.probabilities), ("document_sentences", sent.lengths)):
        for model, observed in values.items():
            raw = prometheus.values(f'undertone_reference_ratio{{model="{model}", feature="{feature}"}}')
            cumulative = [
                share for _, share in sorted((float(dict(labels)["le"]), share) for labels, share in raw.items())
            ]
            reference = [share - before for before, share in itertools.pairwise([0.0, *cumulative])]
            counts = binned(BOUNDS[feature], observed)
            pairs = [
                (max(n / len(observed), 1e-4), max(share, 1e-4)) for n, share in zip(counts, reference, strict=True)
            ]
            wanted = sum((o - r) * math.log(o / r) for o, r in pairs)
            assert found[model, feature] == pytest.approx(wanted, abs=1e-6), (model, feature)


def test_gauges_say_how_it_is(prometheus: Prometheus, driven: Driven) -> None:
    assert prometheus.value("undertone_redis_keys") == driven.stage.redis.client.dbsize()
    assert prometheus.value("undertone_redis_memory_limit_bytes") == 64 * 2**20
    assert prometheus.value("undertone_worker_starts_total") == 2
    assert prometheus.value("undertone_requests_in_flight") == 0


def test_the_first_fault_is_seen_and_the_page_is_on_its_way(prometheus: Prometheus, driven: Driven) -> None:
    """Last, because Redis is gone after it."""
    driven.stage.redis.kill()
    with contextlib.closing(Traffic(driven.stage.service.url)) as traffic:
        traffic.predict(text="Hello.", task="spam", session_id="lost")
    prometheus.until('increase(undertone_errors_total{route="/v1/predict", code="store_unavailable"}[1m]) > 0.9')
    prometheus.until('ALERTS{alertname="UndertoneRedisDown", alertstate="pending", severity="page"}')
    prometheus.until('job_objective:undertone_burn{objective="availability", window="5m"} > 0')
    raised = {alert["labels"]["alertname"]: alert for alert in prometheus.ask("alerts")["alerts"]}
    runbook = raised["UndertoneRedisDown"]["annotations"]["runbook"]
    assert httpx.get(runbook, timeout=30).text.startswith("# UndertoneRedisDown\n")
