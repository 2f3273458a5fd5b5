"""/metrics: it can be parsed, it counts what was sent, and strangers cannot make it grow."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.guard import ROUTES
from service.metrics import FAULTS, Metrics
from tests.service.live import TEXT, Bench, Live, Upload, eventually

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
    assert lines() == before < 1000


def test_it_is_the_sum_of_all_workers_where_there_are_several(
    fresh: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the variable that BentoML sets, files are read instead of this process's own numbers."""
    fresh.post("/v1/predict", GOOD)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert fresh.serving.metrics.exposition() == b""
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR")
    assert b"undertone_sentences_total" in fresh.serving.metrics.exposition()


def test_what_a_killed_worker_said_of_itself_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    with subprocess.Popen(["true"]) as dead:
        pass
    for name in ("gauge_livesum", "counter"):
        for pid in (dead.pid, os.getpid()):
            (tmp_path / f"{name}_{pid}.db").touch()
    Metrics(ROUTES)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {f"gauge_livesum_{os.getpid()}.db", f"counter_{os.getpid()}.db", f"counter_{dead.pid}.db"}
