"""A receiver of OpenTelemetry's protocol, as small as one can be.

POST /v1/traces --protobuf, gzip or not--> Receiver.spans
"""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KINDS: Final = ("string_value", "int_value")


class Receiver:
    """On a free port of loopback, while the context lasts."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.raw = b""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    data = gzip.decompress(data)
                assert self.path == "/v1/traces"
                asked = ExportTraceServiceRequest.FromString(data)
                receiver.raw += data
                receiver.spans += [
                    span for of in asked.resource_spans for scope in of.scope_spans for span in scope.spans
                ]
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def of(self, request_id: str) -> tuple[Span | None, list[Span]]:
        """The span of a request, and those below it."""
        root = next((span for span in self.spans if attributes(span).get("request.id") == request_id), None)
        return root, [] if root is None else [span for span in self.spans if span.parent_span_id == root.span_id]

    def __enter__(self) -> Receiver:
        self._thread = threading.Thread(target=self._server.serve_forever, name="receiver")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def attributes(span: Span) -> dict[str, str | int]:
    return {
        pair.key: next(getattr(pair.value, kind) for kind in KINDS if pair.value.HasField(kind))
        for pair in span.attributes
    }
