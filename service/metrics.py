"""Every metric's name and labels. Correct over several workers: prometheus_client adds them up.

a request, a batch --Metrics--> counters in files that all workers share --exposition--> GET /metrics
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service.store import FAULTS as STORE_FAULTS

if TYPE_CHECKING:
    from service.catalogue import Model

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
FAULTS: Final = ("internal", "overloaded", "store_unavailable", "timeout")
"""The codes of errors that are this side's doing."""
SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process; `routes` are all templates that the label `route` can have."""

    def __init__(self, routes: Sequence[str]) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "undertone_requests_total", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.errors = Counter(
            "undertone_errors_total",
            "Requests answered with an error, by its code.",
            ["route", "code"],
            registry=registry,
        )
        self.seconds = Histogram(
            "undertone_request_seconds",
            "Seconds from a request's first byte to its answer's last; streams are not in it.",
            ["route"],
            buckets=SECONDS,
            registry=registry,
        )
        self.sentences = Counter(
            "undertone_sentences_total", "Sentences scored.", ["task", "model", "digest"], registry=registry
        )
        self.documents = Counter(
            "undertone_documents_total", "Texts scored to their end.", ["task", "model", "digest"], registry=registry
        )
        self.store_failures = Counter(
            "undertone_store_failures_total", "Questions that Redis did not answer.", ["reason"], registry=registry
        )
        _forget_the_dead()
        self.store_circuit_open = Gauge(
            "undertone_store_circuit_open",
            "Workers that have given Redis up for now, and answer 503 to requests with a session.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        for reason in STORE_FAULTS:
            self.store_failures.labels(reason)
        for route in routes:
            self.seconds.labels(route)
            for code in FAULTS:
                self.errors.labels(route, code)

    def start_at_zero(self, models: Sequence[Model]) -> None:
        """A counter that first appears at 1 hides its first increase from rate(): so do the faults above."""
        for model in models:
            self.sentences.labels(model.task, model.name, model.digest)
            self.documents.labels(model.task, model.name, model.digest)

    def scored(self, model: Model, sentences: int) -> None:
        self.sentences.labels(model.task, model.name, model.digest).inc(sentences)

    def finished(self, model: Model) -> None:
        self.documents.labels(model.task, model.name, model.digest).inc()

    def store_given_up(self, given_up: bool) -> None:
        self.store_circuit_open.set(given_up)

    def exposition(self) -> bytes:
        """The text format, over all workers where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)


def _forget_the_dead() -> None:
    """What a worker that was killed said of itself is no longer so; its counters stay."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in os.listdir(folder) if folder else ():
        live = re.fullmatch(r"gauge_live[a-z]*_(\d+)\.db", file)
        if live and not os.path.exists(f"/proc/{live[1]}"):
            mark_process_dead(int(live[1]))  # type: ignore[no-untyped-call]
