"""/metrics: it can be parsed, it counts what was sent, and strangers cannot make it grow."""

from __future__ import annotations

import math
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

import service
from models.predictor import Advance, Step
from models.sentences import split
from service.batcher import TURN
from service.metrics import FAULTS
from service.metrics.metrics import EVENTS
from service.phases import PHASES
from tests.service.live import PATIENCE, TEXT, Bench, Live, Upload, events, eventually

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


def test_counters_start_at_zero(fresh: Live) -> None:
    samples = scraped(fresh)
    for name in ("undertone_sentences_total", "undertone_documents_total"):
        for model in ("spam-gru", "spam-conv1d", "sentiment-gru", "sentiment-conv1d"):
            assert value(samples, name, model=model) == 0
    for code in FAULTS:
        assert value(samples, "undertone_errors_total", route="/v1/predict", code=code) == 0
    assert value(samples, "undertone_request_seconds_count", route="/v1/predict") == 0


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
    assert counts["tokenize"] == counts["queue"] == counts["model"] >= turns + 4
    assert all(counts.values())
    assert value(samples, "undertone_redis_seconds_count", operation="read") == 1
    assert value(samples, "undertone_redis_seconds_count", operation="write") == 1


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


def test_limits_are_counted_by_their_names(live: Live, bench: Bench) -> None:
    limits = ("body", "text", "batch")
    with live.with_serving(bench.serving(max_text=50, max_batch=2, max_body=2000)):
        live.post("/v1/predict_batch", {"texts": ["free", "free " * 20], "task": "spam"})
        live.post("/v1/predict_batch", {"texts": ["free"] * 3, "task": "spam"})
        live.post("/v1/predict", GOOD | {"text": "free " * 1000})
        samples = scraped(live)
        assert [value(samples, "undertone_limits_total", limit=name) for name in limits] == [1, 1, 1]
        assert value(samples, "undertone_limits_total") == 3
        assert value(samples, "undertone_rate_limited_total") == 0


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
        return len(fresh.client.get("/metrics").text.splitlines())

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
