"""A real HTTP server on loopback that can cut a transfer, ignore Range, or fail.

files {path: bytes} --HTTP/1.1 with Range and If-Range--> client; `requests` remembers (path, Range header) of each
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """`cut`: the next answer breaks off after so many bytes (0: none does). `ranges`: whether Range is heeded.
    `versions`: the header that names a file's version (empty: none does)."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.cut = 0
        self.ranges = True
        self.versions = "ETag"
        self.requests: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.requests.append((self.path, wanted))
        content = self.server.files.get(self.path.lstrip("/"))
        if content is None:
            return self._answer(404, b"")
        version = self._version(content)
        if not self.server.ranges or self.headers.get("If-Range", version) != version:
            wanted = None
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if start >= len(content) > 0 and wanted:
            return self._answer(416, b"")
        return self._answer(206 if start else 200, content[start:], version)

    def _version(self, content: bytes) -> str:
        """Another one for another content: a tag, or seconds after 1970 that nobody counts."""
        number = zlib.crc32(content)
        return formatdate(number, usegmt=True) if self.server.versions == "Last-Modified" else f'"{number}"'

    def _answer(self, status: int, content: bytes, version: str = "") -> None:
        self.send_response(status)
        if self.server.versions and version:
            self.send_header(self.server.versions, version)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        cut, self.server.cut = self.server.cut, 0
        self.wfile.write(content[:cut] if cut else content)
        self.close_connection = bool(cut)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: a test's output is its own."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    server = Server(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
