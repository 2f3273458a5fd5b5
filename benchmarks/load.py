"""Load over HTTP by wrk, whose one thread asks for more than any server here answers.

bodies (a file, one JSON object a line) --post.lua--> wrk, `connections` at once --> Load
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

SCRIPT: Final = Path(__file__).parent / "post.lua"
NDJSON: Final = "application/x-ndjson"


class Load(NamedTuple):
    """What wrk saw; `own` is the processor time that it took itself, in seconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    own: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def ceiling(self) -> float:
        """Requests a second at which wrk's own core would be full."""
        return self.requests / self.own


def bodies(path: Path, texts: Iterable[Mapping[str, object]]) -> Path:
    """Writes bodies for `post`, which sends them in turn."""
    path.write_text("".join(json.dumps(text) + "\n" for text in texts), "utf-8")
    return path


def post(url: str, file: Path, connections: int, seconds: float, accept: str = "*/*") -> Load:
    """Raises RuntimeError where a single answer was not a 2xx."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "60s", "-s", str(SCRIPT), url],
        env={**os.environ, "BODIES": str(file), "ACCEPT": accept},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen["failed"] or not seen["requests"]:
        raise RuntimeError(f"{url}: of {seen['requests']:,} requests {seen['failed']:,} failed")
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Load(seen["requests"], seen["microseconds"] / 1e6, seen["p50"] / 1e3, seen["p99"] / 1e3, own)
