"""/metrics: it can be parsed, it counts what was sent, and strangers cannot make it grow."""

from __future__ import annotations

import itertools
import math
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

import service
from models.predictor import Advance, Step
from models.reference import BOUNDS
from models.sentences import split
from service import catalogue, outcomes
from service.catalogue import INLINE, Catalogue
from service.guard import ROUTES
from service.metrics.metrics import EVENTS, LIMITS, OPERATIONS, STORE_FAULTS, TRANSPORTS
from service.phases import PHASES
from service.serving import TURN
from tests.service.live import TEXT, Bench, Live, Upload, artefact, events
from tests.service.test_sockets import typing
from tests.waiting import PATIENCE, eventually

ODD = "zzyzx qwfp. Free money!"
CLICKS = "Click. " * 3
DOCS = Path(service.__file__).parent.parent / "docs" / "metrics.md"

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
GOOD = {"text": TEXT, "task": "spam"}


@pytest.fixture
def fresh(bench: Bench, live: Live) -> Iterator[Live]:
    """A server that has counted nothing yet."""
    with live.with_serving(bench.serving()):
        yield live


def scraped(live: Live) -> Samples:
    response = live.client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The sum over all samples with these labels; None where there is none."""
    found = [number for (n, have), number in samples.items() if n == name and labels.items() <= dict(have).items()]
    return sum(found) if found else None


def rows(names: str, values: Iterable[Iterable[str]]) -> list[dict[str, str]]:
    return [dict(zip(names.split(), each, strict=True)) for each in values]


def test_counters_start_at_zero(fresh: Live) -> None:
    """All of the table, with every value that their labels have in the code; worker_starts and Redis' own are not ours
    to start."""
    models = fresh.serving.catalogue.models
    of_models = rows("model", ([model.name] for model in models))
    counters: dict[str, list[dict[str, str]]] = {
        "requests": rows("route method status", outcomes.requests()),
        "errors": rows("route code", outcomes.errors()),
        "sessions": rows("task event", itertools.product(("spam", "sentiment"), EVENTS)),
        "store_failures": rows("reason", ([reason] for reason in STORE_FAULTS)),
        "limits": rows("limit", ([limit] for limit in LIMITS.values())),
        "labels": rows("model label", ((model.name, label) for model in models for label in model.labels)),
        **dict.fromkeys(("sentences", "documents", "words", "unknown_words", "certainty"), of_models),
        "rate_limited": [{}],
        "queue_rejected": [{}],
    }
    told = {name for name, (kind, _) in documented() if kind == "counter" and not name.startswith("undertone_redis_")}
    assert {f"undertone_{name}_total" for name in counters} == told - {"undertone_worker_starts_total"}
    samples = scraped(fresh)
    for name, every in counters.items():
        assert [labels for labels in every if value(samples, f"undertone_{name}_total", **labels) != 0] == [], name
    histograms = {
        "request_seconds": rows("route", ([route] for route in ROUTES)),
        "phase_seconds": rows("phase", ([phase] for phase in PHASES)),
        "redis_seconds": rows("operation", ([operation] for operation in OPERATIONS)),
        "first_event_seconds": rows("transport", ([transport] for transport in TRANSPORTS)),
    }
    for name, every in histograms.items():
        assert [labels for labels in every if value(samples, f"undertone_{name}_count", **labels) != 0] == [], name


def test_the_smallest_bucket_of_a_phase_is_50_microseconds(fresh: Live) -> None:
    samples = scraped(fresh)
    for phase in PHASES:
        buckets = [dict(labels) for name, labels in samples if name == "undertone_phase_seconds_bucket"]
        assert min(float(labels["le"]) for labels in buckets if labels["phase"] == phase) == 5e-05


def test_counts_agree_with_what_was_sent(fresh: Live) -> None:
    digest = fresh.post("/v1/predict", GOOD).json()["model"]["digest"]
    fresh.post("/v1/predict_batch", {"texts": [TEXT, "", TEXT], "task": "spam", "model": "spam-conv1d"})
    fresh.post("/v1/stream", GOOD | {"task": "sentiment"})
    fresh.post("/v1/predict", GOOD | {"text": ""})
    fresh.post("/v1/predict", GOOD | {"task": "weather"})
    fresh.client.get("/v1/predict")
    fresh.client.get("/v1/sessions/none?task=spam")
    samples = scraped(fresh)
    assert value(samples, "undertone_sentences_total", task="spam", model="spam-gru", digest=digest) == 5
    assert value(samples, "undertone_sentences_total", model="spam-conv1d") == 10
    assert value(samples, "undertone_sentences_total", model="sentiment-gru") == 5
    assert [value(samples, "undertone_documents_total", model=m) for m in ("spam-gru", "spam-conv1d")] == [1, 2]
    assert value(samples, "undertone_documents_total", model="sentiment-gru") == 1
    requests = "undertone_requests_total"
    assert value(samples, requests, route="/v1/predict", method="POST", status="200") == 1
    assert value(samples, requests, route="/v1/predict", method="POST", status="400") == 2
    assert value(samples, requests, route="/v1/predict", method="GET", status="405") == 1
    assert value(samples, requests, route="/v1/predict_batch", status="200") == 1
    assert value(samples, requests, route="/v1/stream", status="200") == 1
    errors = "undertone_errors_total"
    assert value(samples, errors, route="/v1/predict", code="empty_text") == 1
    assert value(samples, errors, route="/v1/predict", code="unknown_task") == 1
    assert value(samples, errors, route="/v1/predict", code="method_not_allowed") == 1
    assert value(samples, errors, route="/v1/sessions/{id}", code="session_not_found") == 1
    assert value(samples, "undertone_request_seconds_count", route="/v1/predict") == 4
    assert value(samples, "undertone_request_seconds_count", route="/v1/stream") == 0


def test_what_is_said_of_texts_agrees_with_the_answers(fresh: Live) -> None:
    more: list[dict[str, object]] = [{}, {"text": ODD}, {"threshold": 0.999999}]
    answers = [fresh.post("/v1/predict", GOOD | fields).json() for fields in more]
    stream = events(fresh.post("/v1/stream", GOOD | {"text": CLICKS, "session_id": "texts"}).content)
    answers.append(stream[-1].data | {"sentences": [e for e in stream if e.name == "sentence"]})
    samples = scraped(fresh)

    def found(name: str, **labels: str) -> float | None:
        return value(samples, f"undertone_{name}", model="spam-gru", task="spam", **labels)

    assert found("documents_total") == len(answers)
    probabilities = [answer["probability"] for answer in answers]
    assert found("probability_sum") == pytest.approx(sum(probabilities))
    for le in ("0.05", "0.5", "0.95", "1.0", "+Inf"):
        assert found("probability_bucket", le=le) == sum(p <= float(le) for p in probabilities)
    assert found("certainty_total") == pytest.approx(sum(max(p, 1 - p) for p in probabilities))
    for label in ("ham", "spam"):
        assert found("labels_total", label=label) == sum(answer["label"] == label for answer in answers)
    assert found("decided_at_sum") == sum(answer["decided_at"] for answer in answers)
    lengths = [len(answer["sentences"]) for answer in answers]
    assert (found("document_sentences_count"), found("document_sentences_sum")) == (len(answers), sum(lengths))
    assert (found("sentences_total"), found("sentence_words_count")) == (sum(lengths), sum(lengths))
    steps = [step for text in (TEXT, TEXT, ODD, CLICKS) for step in scored(fresh, text)]
    assert found("words_total") == found("sentence_words_sum") == sum(step.words for step in steps)
    assert found("unknown_words_total") == sum(step.unknown for step in steps) > 0
    assert found("batch_sentences_sum") == sum(lengths)
    assert found("step_seconds_count") == found("batch_sentences_count") == len(answers)


def scored(live: Live, text: str) -> list[Step]:
    """What the model says of each sentence, past the service."""
    model = live.serving.catalogue.resolve("spam")
    (advance,) = model.predictor.advance([(None, [s.text for s in split(text, "en")])])
    assert isinstance(advance, Advance)
    return advance.steps


def test_phases_are_counted_where_they_happen_and_told_in_the_answer(fresh: Live, keys: redis.Redis) -> None:
    plain = fresh.post("/v1/predict", GOOD)
    session = fresh.post("/v1/predict", GOOD | {"session_id": "phases"})
    text = "The cat sat on it. " * 200
    batch = fresh.post("/v1/predict_batch", {"texts": [text] * 8, "task": "spam"})
    streamed = fresh.post("/v1/stream", GOOD)
    told = [server_timing(answer) for answer in (plain, session, batch)]
    without = {"parse", "segment", "tokenize", "queue", "model", "serialise", "total"}
    assert [set(phases) for phases in told] == [without, without | {"redis"}, without]
    for phases in told:
        # Eight texts wait at the same time, and are in the same batches: no phase takes longer than all of it.
        assert all(0 <= ms <= phases["total"] for ms in phases.values())
    assert "server-timing" not in streamed.headers
    assert "parse" not in server_timing(fresh.client.get("/v1/models"))
    samples = scraped(fresh)
    counts = {p: value(samples, "undertone_phase_seconds_count", phase=p) or 0 for p in PHASES}
    turns = 8 * math.ceil(200 / TURN)
    assert counts["redis"] == 2
    assert counts["parse"] == 4
    assert counts["tokenize"] == counts["queue"] == counts["model"] >= turns + 3
    assert all(counts.values())
    assert value(samples, "undertone_redis_seconds_count", operation="read") == 1
    assert value(samples, "undertone_redis_seconds_count", operation="write") == 1


def test_a_redis_that_does_not_answer_has_a_phase_too(live: Live, bench: Bench, keys: redis.Redis) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with live.with_serving(bench.serving(redis_url=url, redis_timeout=0.2)):
            answer = live.post("/v1/predict", GOOD | {"session_id": "s"})
            assert answer.status_code == 503
            assert server_timing(answer)["redis"] > 190  # a loop counts in whole milliseconds
            samples = scraped(live)
            assert value(samples, "undertone_phase_seconds_count", phase="redis") == 1
            assert value(samples, "undertone_redis_seconds_count") == 0


def server_timing(answer: httpx.Response) -> dict[str, float]:
    parts = [part.split(";dur=") for part in answer.headers["server-timing"].split(", ")]
    return {name: float(ms) for name, ms in parts}


def test_sessions_are_counted_by_what_became_of_them(fresh: Live, keys: redis.Redis) -> None:
    def ask(status: int, **more: object) -> None:
        answer = fresh.post("/v1/predict", GOOD | {"session_id": "s"} | more)
        assert answer.status_code == status, answer.text

    ask(200, step=0)
    ask(200, step=0)
    ask(200, step=5)
    ask(409, step=1)
    ask(409, model="spam-conv1d")
    ask(404, session_id="none", step=3)
    fresh.client.get("/v1/sessions/none?task=spam")
    fresh.client.get("/v1/sessions/s?task=spam")
    fresh.post("/v1/stream", GOOD | {"session_id": "streamed", "task": "sentiment"})
    keys.set("undertone:public:spam:bad", b"nothing that opens")
    ask(409, session_id="bad")
    keys.pexpire("undertone:public:spam:s", 86_400_000 - 100_000)
    ask(200)
    fresh.client.delete("/v1/sessions/s")
    fresh.client.delete("/v1/sessions/s")
    fresh.client.delete("/v1/sessions")
    samples = scraped(fresh)
    found = {e: value(samples, "undertone_sessions_total", task="spam", event=e) for e in EVENTS}
    assert found == {
        "created": 1,
        "resumed": 2,
        "replayed": 1,
        "conflict": 1,
        "model_changed": 1,
        "not_found": 2,
        "unreadable": 1,
        "deleted": 2,
    }
    assert value(samples, "undertone_sessions_total", task="sentiment") == 2
    assert value(samples, "undertone_session_steps_sum", task="spam") == 5 + 5 + 10 + 15
    assert value(samples, "undertone_session_idle_seconds_count", task="spam") == 3
    idle = value(samples, "undertone_session_idle_seconds_sum", task="spam")
    assert idle is not None
    assert 100 <= idle < 100 + PATIENCE
    assert value(samples, "undertone_state_bytes_count", task="spam") == 3
    assert 0 < (value(samples, "undertone_state_bytes_sum", task="spam") or 0) < 3 * 2048
    assert value(samples, "undertone_redis_connections") == 1
    assert value(samples, "undertone_store_circuit_open") == 0


def test_redis_says_itself_how_it_is(fresh: Live, keys: redis.Redis) -> None:
    fresh.post("/v1/predict", GOOD | {"session_id": "one"})
    samples = scraped(fresh)
    assert value(samples, "undertone_redis_up") == 1
    assert value(samples, "undertone_redis_keys") == 1
    assert (value(samples, "undertone_redis_memory_bytes") or 0) > 100_000
    assert value(samples, "undertone_redis_memory_limit_bytes") == int(keys.config_get("maxmemory")["maxmemory"] or 0)
    before = value(samples, "undertone_redis_expired_keys_total")
    assert before is not None
    keys.pexpire("undertone:public:spam:one", 1)
    eventually(lambda: value(scraped(fresh), "undertone_redis_expired_keys_total") == before + 1, "it has expired")


def test_a_redis_that_is_away_or_silent_fails_no_scrape(live: Live, bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as closed:
        urls = [f"redis://127.0.0.1:{listening.getsockname()[1]}" for listening in (silent, closed)]
        closed.close()
        for url in urls:
            with live.with_serving(bench.serving(redis_url=url, redis_timeout=PATIENCE)):
                began = time.monotonic()
                samples = scraped(live)
                # Its own bound, HEALTH_SECONDS, and what a busy machine adds: by the store's it would be PATIENCE.
                assert time.monotonic() - began < PATIENCE / 2
                assert value(samples, "undertone_redis_up") == 0
                assert value(samples, "undertone_redis_keys") is None
                assert value(samples, "undertone_store_failures_total") == 0


def test_a_user_who_may_not_ask_is_told_that_redis_is_there(live: Live, bench: Bench, keys: redis.Redis) -> None:
    keys.acl_setuser("blind", enabled=True, passwords=["+secret"], keys=["*"], commands=["+@all", "-info"])
    try:
        url = bench.settings.redis_url.replace("unix://", "unix://blind:secret@")
        with live.with_serving(bench.serving(redis_url=url)):
            assert live.post("/v1/predict", GOOD | {"session_id": "blind"}).status_code == 200
            samples = scraped(live)
    finally:
        keys.acl_deluser("blind")
    assert value(samples, "undertone_redis_up") == 1
    assert value(samples, "undertone_redis_memory_bytes") is None


def frame(live: Live) -> None:
    with typing(live) as typed:
        typed.type("x" * 200)
        typed.rest()


def silence(live: Live) -> None:
    with typing(live) as typed:
        typed.rest()


def mail(live: Live) -> None:
    live.client.post("/v1/predict?task=spam", content=DEEP, headers={"content-type": "message/rfc822"})


def asks(path: str = "/v1/predict", **more: object) -> Callable[[Live], object]:
    return lambda live: live.post(path, GOOD | more)


HITS: dict[str, tuple[dict[str, Any], Callable[[Live], object]]] = {
    "body": ({"max_body": 2000}, asks(text="free " * 1000)),
    "text": ({"max_text": 50}, asks(text="free " * 20)),
    "batch": ({"max_batch": 2}, lambda live: live.post("/v1/predict_batch", {"texts": ["free"] * 3, "task": "spam"})),
    "frame": ({"max_frame": 100}, frame),
    "mail": ({}, mail),
    "words": ({}, asks(model="spam-flattened", text="free " * 20_001)),
    "idle": ({"idle": 0.05}, silence),
    "timeout": ({"timeout": 0.01}, asks(text="The cat sat. " * 70_000)),
}
"""What hits each bound, under which settings."""
DEEP = b"Content-Type: message/rfc822\n\n" * 20 + b"Hi"


@pytest.fixture(scope="module")
def with_flattened(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    """The usual models, and one whose texts have a limit."""
    folder = tmp_path_factory.mktemp("flattened") / "flattened"
    artefact("spam", "flattened").save(folder)
    models = catalogue.load((*bench.settings.models, str(folder)), 1, 1024)
    yield models
    models.close()


@pytest.mark.parametrize("limit", sorted(set(LIMITS.values())))
def test_a_limit_is_counted_by_its_name(live: Live, bench: Bench, with_flattened: Catalogue, limit: str) -> None:
    settings, hit = HITS[limit]
    serving = bench.serving(with_flattened, **settings)
    with live.with_serving(serving):
        hit(live)
        serving.settings = bench.settings
        samples = scraped(live)
        assert value(samples, "undertone_limits_total", limit=limit) == 1
        assert value(samples, "undertone_limits_total") == 1
        assert value(samples, "undertone_rate_limited_total") == 0


def test_a_limit_that_an_item_of_a_batch_hit_is_counted(live: Live, bench: Bench) -> None:
    with live.with_serving(bench.serving(max_text=50)):
        live.post("/v1/predict_batch", {"texts": ["free", "free " * 20], "task": "spam"})
        assert value(scraped(live), "undertone_limits_total", limit="text") == 1


def test_who_is_too_fast_and_who_found_the_queue_full_is_counted(live: Live, bench: Bench) -> None:
    full = bench.load(queue=1)
    with live.with_serving(bench.serving(full, rate=0.001)):
        metrics = live.serving.metrics
        for _ in range(2):
            live.client.get("/v1/models")
        assert metrics.families.rate_limited[()].total == 1
    with live.with_serving(bench.serving(full)):
        text = " ".join(["The cat sat on it."] * 40)
        answer = live.post("/v1/predict_batch", {"texts": [text] * 8, "task": "spam"}).json()["results"]
        rejected = sum(item.get("error", {}).get("code") == "overloaded" for item in answer)
        assert rejected > 0
        assert live.serving.metrics.families.queue_rejected[()].total == rejected
    full.close()


def test_what_is_going_on_now_is_counted_while_it_does(fresh: Live) -> None:
    with Upload(fresh.port, "/v1/stream?task=spam") as upload:
        upload.send(TEXT)
        upload.sentences(1)
        samples = scraped(fresh)
        assert value(samples, "undertone_streams_open", transport="http") == 1
        assert value(samples, "undertone_streams_open", transport="websocket") == 0
        assert value(samples, "undertone_requests_in_flight") == 0
        assert value(samples, "undertone_first_event_seconds_count", transport="http") == 1
        upload.end()
        upload.whole()
    eventually(lambda: value(scraped(fresh), "undertone_streams_open") == 0, "the stream has ended")
    with Upload(fresh.port, "/v1/predict", content_type="application/json") as upload:
        upload.send('{"text": "fr')
        eventually(lambda: value(scraped(fresh), "undertone_requests_in_flight") == 1, "the request is counted")
    eventually(lambda: value(scraped(fresh), "undertone_requests_in_flight") == 0, "its end is counted")


def test_a_websocket_that_is_open_is_counted_and_its_first_event(fresh: Live) -> None:
    with typing(fresh) as typed:
        typed.type(TEXT)
        typed.until("sentence")
        samples = scraped(fresh)
        assert value(samples, "undertone_streams_open", transport="websocket") == 1
        assert value(samples, "undertone_streams_open", transport="http") == 0
        assert value(samples, "undertone_first_event_seconds_count", transport="websocket") == 1
        assert value(samples, "undertone_first_event_seconds_count", transport="http") == 0
    eventually(lambda: value(scraped(fresh), "undertone_streams_open") == 0, "the stream has ended")


def test_sentences_that_wait_for_a_model_are_counted_while_they_do(live: Live, bench: Bench) -> None:
    models = bench.load()
    batcher, at_work, free = models.resolve("spam").batcher, threading.Event(), threading.Event()
    engine = batcher._engine

    def held(*asked: Any) -> Any:
        at_work.set()
        assert free.wait(2 * PATIENCE)
        return engine(*asked)

    batcher._engine = held
    text = "The cat sat on it. " * 2 * INLINE  # so many that a thread scores them
    with live.with_serving(bench.serving(models)), ThreadPoolExecutor() as callers:
        asked = [callers.submit(live.post, "/v1/predict", GOOD | {"text": text})]
        assert at_work.wait(PATIENCE)  # two that come together would be one batch
        asked.append(callers.submit(live.post, "/v1/predict", GOOD | {"text": text}))
        queued = "undertone_queue_sentences"
        eventually(lambda: value(scraped(live), queued) == 2 * INLINE, "the second one waits")
        free.set()
        assert [answer.result().status_code for answer in asked] == [200, 200]
        assert value(scraped(live), queued) == 0
    models.close()


def test_connections_to_redis_are_used_while_it_is_asked(fresh: Live, keys: redis.Redis) -> None:
    def used() -> float:
        return value(scraped(fresh), "undertone_redis_connections", state="used") or 0

    assert used() == 0
    with ThreadPoolExecutor() as callers:
        keys.client_pause(int(PATIENCE * 1000), all=False)  # what may write, as the script that reads may
        try:
            asked = callers.submit(fresh.post, "/v1/predict", GOOD | {"session_id": "held"})
            eventually(lambda: used() > 0, "a connection waits for its answer")
        finally:
            keys.client_unpause()
        assert asked.result().status_code == 200
    assert used() == 0


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("undertone_phase_seconds", PHASES),
        ("undertone_streams_open", TRANSPORTS),
        ("undertone_sessions_total", EVENTS),
        ("undertone_redis_seconds", OPERATIONS),
        ("undertone_store_failures_total", STORE_FAULTS),
        ("undertone_redis_connections", ("used", "idle")),
        ("undertone_limits_total", LIMITS.values()),
        ("undertone_reference_ratio", BOUNDS),
    ],
)
def test_the_table_in_docs_names_the_values_that_labels_have_in_the_code(name: str, values: Iterable[str]) -> None:
    """And no others: names of labels, and of what else the code quotes, are not among them."""
    (row,) = re.findall(rf"(?m)^\| `{name}` \|.*\|([^|]*)\|$", DOCS.read_text("utf-8"))
    assert set(re.findall(r"`([a-z_]+)`", row)) - {"le", "ge", "wrong_step"} == set(values)


def test_the_table_in_docs_is_what_is_answered(fresh: Live, keys: redis.Redis) -> None:
    """Both ways: every name with its type and labels."""
    table = dict(documented())
    fresh.post("/v1/predict", GOOD | {"text": ""})
    response = fresh.client.get("/metrics")
    found = {}
    for family in text_string_to_metric_families(response.text):
        samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        if family.name.endswith("_created") or (not samples and family.name not in OPTIONAL):
            continue
        ending = "_total" if family.type == "counter" else ""
        labels = {label for sample in samples for label in sample.labels}
        found[family.name + ending] = (family.type, labels - ({"le"} if family.type == "histogram" else set()))
    for name in OPTIONAL:
        assert found.pop(name)[0] == table.pop(name)[0]
    assert found == table


OPTIONAL = ("undertone_reference_ratio", "undertone_reference_unknown_ratio")
"""The models of these tests have no reference; test_exposition.py looks at those that have."""


def documented() -> Iterator[tuple[str, tuple[str, set[str]]]]:
    """Name, type and labels of each row."""
    for row in re.findall(r"(?m)^\| `(undertone_\w+)` \| (\w+) \|([^|]*)\|", DOCS.read_text("utf-8")):
        labels = row[2].replace("M", "task, model, digest").replace(" ", "").split(",")
        yield row[0], (row[1], {label for label in labels if label})


def test_an_error_within_a_stream_is_counted_once_by_its_code(fresh: Live) -> None:
    with Upload(fresh.port, "/v1/stream?task=spam") as upload:
        upload.send(b"free money \xff")
        upload.end()
        assert upload.whole().events[-1].data["error"]["code"] == "invalid_encoding"
    eventually(
        lambda: value(scraped(fresh), "undertone_errors_total", route="/v1/stream", code="invalid_encoding") == 1,
        "the error is counted",
    )


def test_300_random_paths_and_methods_make_few_lines(fresh: Live) -> None:
    def lines() -> int:
        """Without those that a server has not, whose workers share files."""
        return sum("_created" not in line for line in fresh.client.get("/metrics").text.splitlines())

    def ask(i: int) -> None:
        fresh.client.get(f"/{i}/random")
        fresh.client.get(f"/v1/sessions/{i}/x")
        fresh.client.request(["PROPFIND", "PURGE", "REPORT", "SEARCH"][i % 4], f"/v1/predict/{i}")

    ask(0)
    lines()  # its own first request is counted in the second
    before = lines()
    for i in range(1, 101):
        ask(i)
    assert lines() == before < 2000


def test_it_is_the_sum_of_all_workers_where_there_are_several(
    fresh: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that BentoML sets, files are read instead of this process's own numbers."""
    fresh.post("/v1/predict", GOOD)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert b"undertone_sentences_total" not in fresh.serving.metrics.exposition(None)
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    assert b"undertone_sentences_total" in fresh.serving.metrics.exposition(None)
