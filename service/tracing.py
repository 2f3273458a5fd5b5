"""Requests as OpenTelemetry traces, where UNDERTONE_TRACES names a collector: a span a request, one below it a phase.

    Phases of a request that has ended --Tracing.record--> spans --OTLP over HTTP, its own thread--> collector

A caller's `traceparent` (W3C Trace Context) is gone on with, also in that it is not sampled. How many of the others
are sampled is OpenTelemetry's OTEL_TRACES_SAMPLER. Spans are made at the end, so a request pays nothing before.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import VERSION
from service.phases import Phases

EXPORT_SECONDS: Final = 2.0
"""After which a collector that does not answer is given up, also at the end."""
SERVER_ERROR: Final = 500


class Tracing:
    """Of one process; `collector` is the address of an OTLP receiver, such as http://127.0.0.1:4318."""

    def __init__(self, collector: str) -> None:
        exporter = OTLPSpanExporter(collector.rstrip("/") + "/v1/traces", timeout=EXPORT_SECONDS)
        resource = Resource.create({"service.name": "undertone", "service.version": VERSION})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, export_timeout_millis=EXPORT_SECONDS * 1000))
        self._tracer = self._provider.get_tracer("undertone")
        self._parent = TraceContextTextMapPropagator()

    def record(self, request: Phases, route: str, method: str, status: int | None, error: str | None) -> None:
        """A request has ended."""
        ended = time.perf_counter()
        epoch = time.time_ns() - round(ended * 1e9)

        def at(moment: float) -> int:
            return epoch + round(moment * 1e9)

        parent = self._parent.extract({"traceparent": request.traceparent})
        root = self._tracer.start_span(f"{method} {route}", parent, SpanKind.SERVER, start_time=at(request.began))
        if root.is_recording():
            root.set_attributes({"http.route": route, "http.request.method": method, "request.id": request.request_id})
            if status is not None:
                root.set_attribute("http.response.status_code", status)
            if error is not None:
                root.set_attribute("error.type", error)
            if (status or 0) >= SERVER_ERROR:
                root.set_status(StatusCode.ERROR)
            below = set_span_in_context(root)
            for phase, began, phase_ended in request.spans or ():
                self._tracer.start_span(phase, below, start_time=at(began)).end(at(phase_ended))
        root.end(at(ended))

    async def close(self) -> None:
        """Sends what has not been sent, as far as the collector takes it."""
        await asyncio.to_thread(self._provider.shutdown)
