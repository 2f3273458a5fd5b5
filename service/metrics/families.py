"""Every metric's name, labels and buckets, but for those that are read at the scrape (exposition.py).

docs/metrics.md says what they mean; a test holds it against what is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from models.reference import BOUNDS
from service.metrics.exposition import MODEL
from service.metrics.ledger import Ledger, Spread, Sum, Table

SHORT: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
"""Seconds of a piece of work."""
SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Of a request."""
IDLE: Final = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 86_400, 7 * 86_400)
STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10_000)
BYTES: Final = (256, 512, 1024, 1536, 2048, 4096, 8192, 16_384)
BATCH: Final = (0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Families:
    """What a metric's observations go to, by the metric's name; gauges are prometheus_client's own."""

    def __init__(self, registry: CollectorRegistry, ledger: Ledger) -> None:
        self._registry = registry
        self._ledger = ledger
        self.requests = self._counter("requests", "Requests answered.", "route", "method", "status")
        self.errors = self._counter("errors", "Requests answered with an error, by its code.", "route", "code")
        self.request_seconds = self._histogram(
            "request_seconds", "From a request's first byte to its answer's last; without streams.", SECONDS, "route"
        )
        self.phase_seconds = self._histogram("phase_seconds", "One piece of a request's work.", SHORT, "phase")
        self.requests_in_flight = self._gauge("requests_in_flight", "Being answered now; without streams.")
        self.streams_open = self._gauge("streams_open", "Streams that are open now.", "transport")
        self.first_event_seconds = self._histogram(
            "first_event_seconds", "From a stream's first sentence to its event.", SHORT, "transport"
        )
        self.sentences = self._counter("sentences", "Sentences scored.", *MODEL)
        self.documents = self._counter("documents", "Texts scored to their end.", *MODEL)
        self.batch_sentences = self._histogram("batch_sentences", "Sentences of one batch.", BATCH, *MODEL)
        self.step_seconds = self._histogram("step_seconds", "One batch through the model.", SHORT, *MODEL)
        self.words = self._counter("words", "Words of the sentences scored.", *MODEL)
        self.unknown_words = self._counter("unknown_words", "Words that the vocabulary does not hold.", *MODEL)
        self.sentence_words = self._histogram(
            "sentence_words", "Words of a sentence.", BOUNDS["sentence_words"], *MODEL
        )
        self.document_sentences = self._histogram(
            "document_sentences", "Sentences of a text.", BOUNDS["document_sentences"], *MODEL
        )
        self.probability = self._histogram(
            "probability", "Of the positive label, at the end of a text.", BOUNDS["probability"], *MODEL
        )
        self.decided_at = self._histogram(
            "decided_at", "The sentence after which the label stayed.", BOUNDS["document_sentences"], *MODEL
        )
        self.labels = self._counter("labels", "Labels given at the end of a text.", *MODEL, "label")
        self.certainty = self._counter("certainty", "Sum of the highest probability at the end of each text.", *MODEL)
        self.worker_starts = self._counter("worker_starts", "Workers started.")
        # The least of all workers, dead ones too, is when the server began. Set at once: a file's 0 would be the least.
        self.start_time_seconds = self._gauge(
            "start_time_seconds", "When the server's first worker started.", mode="min"
        )
        self.start_time_seconds.set_to_current_time()
        self.sessions = self._counter("sessions", "What became of requests with a session.", "task", "event")
        self.session_idle_seconds = self._histogram(
            "session_idle_seconds", "From a session's last use to the next.", IDLE, "task"
        )
        self.session_steps = self._histogram("session_steps", "Sentences that a session holds.", STEPS, "task")
        self.state_bytes = self._histogram("state_bytes", "Written for a session.", BYTES, "task")
        self.redis_seconds = self._histogram("redis_seconds", "A round trip to Redis.", SHORT, "operation")
        self.redis_connections = self._gauge("redis_connections", "Of the workers' pools.", "state")
        self.store_failures = self._counter("store_failures", "Questions that Redis did not answer.", "reason")
        self.store_circuit_open = self._gauge(
            "store_circuit_open", "Workers that have given Redis up, and answer 503 to requests with a session."
        )
        self.limits = self._counter("limits", "A bound was hit.", "limit")
        self.rate_limited = self._counter("rate_limited", "Answered 429.")
        self.queue_sentences = self._gauge("queue_sentences", "Waiting for the models now.")
        self.queue_rejected = self._counter("queue_rejected", "Answered that too many waited.")

    def _counter(self, name: str, text: str, *labels: str) -> Table[Sum]:
        return self._ledger.sums(Counter(f"undertone_{name}_total", text, labels, registry=self._registry))

    def _histogram(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Table[Spread]:
        return self._ledger.spreads(
            Histogram(f"undertone_{name}", text, labels, registry=self._registry, buckets=bounds)
        )

    def _gauge(self, name: str, text: str, *labels: str, mode: Literal["livesum", "min"] = "livesum") -> Gauge:
        return Gauge(f"undertone_{name}", text, labels, registry=self._registry, multiprocess_mode=mode)
