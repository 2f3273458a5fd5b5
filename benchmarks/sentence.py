"""A stream's sentence: what it costs when twelve arrive together, and whether the ten-thousandth costs more.

    streams of 12 sentences --one worker on one core--> events, the worker's CPU --> µs a sentence, event included

`python -m benchmarks.sentence`. Streams without a session, in new sessions, and in one session that holds 10,000
sentences already take turns; their sentences are the same, and so are the probabilities of the first two.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from benchmarks.report import surroundings
from benchmarks.rounds import machine, turns
from benchmarks.server import ROOT, Server
from models.sentences import split

PROMISED_US: Final = 60.0
TOGETHER: Final = 12
LONG: Final = 10_000
"""Sentences of the long session before it is timed."""
TEXT: Final = " ".join(
    [sentence.text for sentence in split((ROOT / "docs" / "phishing.txt").read_text("utf-8")) * 3][:TOGETHER]
)
ENVIRONMENT: Final = {"UNDERTONE_MODELS": "sentiment-gru"}


class Client:
    """Streams over one connection; each has the sentences of TEXT."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._sessions = 0

    def stream(self, session: str | None = None) -> list[dict[str, Any]]:
        query = {"task": "sentiment"} | ({"session_id": session} if session else {})
        headers = {"Content-Type": "text/plain", "Accept": "application/x-ndjson"}
        self._connection.request("POST", f"/v1/stream?{urlencode(query)}", TEXT.encode(), headers)
        events = [json.loads(line) for line in self._connection.getresponse().read().splitlines()]
        if events[-1]["event"] != "done":
            raise RuntimeError(f"a stream ended with {events[-1]}")
        return events[:-1]

    def anew(self) -> list[dict[str, Any]]:
        self._sessions += 1
        return self.stream(f"new-{self._sessions}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.sentence", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often everything is timed (%(default)s)")
    parser.add_argument("--streams", type=int, default=100, help="of each kind in a round (%(default)s)")
    asked = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        sys.exit("one core is the server's and another one is the client's: there is only one here")
    print(*surroundings(["bentoml", "numpy", "redis"]).values(), sep="\n")
    print(f"medians of {asked.rounds} rounds in turn; CPU of the worker alone")
    with Server(first, ENVIRONMENT) as server:
        os.sched_setaffinity(0, others)
        client = Client(server.port)
        number = len(client.stream())
        if [e["probability"] for e in client.stream()] != [e["probability"] for e in client.anew()]:
            sys.exit("WRONG: a session gives other probabilities than a stream without one")
        while client.stream("long")[-1]["index"] < LONG:
            pass
        works = {
            "without a session": client.stream,
            "sentences 1 to 12 of a session": client.anew,
            f"sentences after {LONG:,} of one": lambda: client.stream("long"),
        }
        times = turns(
            {name: spent(server.worker.pid, work, asked.streams) for name, work in works.items()},
            asked.rounds,
            asked.streams * number,
        )
    for name, of in times.items():
        low, high = (1e6 * each for each in of.spread)
        over = "" if of.each * 1e6 <= PROMISED_US else f"   over {PROMISED_US:g}"
        print(f"  {name:32} {of.each * 1e6:6.1f} µs a sentence ({low:.1f} to {high:.1f}){over}")
    _, new, long = times.values()
    ratios = sorted(a / b for a, b in zip(long.seconds, new.seconds, strict=True))
    print(f"  after {LONG:,} sentences / at the first: {ratios[len(ratios) // 2]:.3f}")
    print(machine())


def spent(pid: int, work: Callable[[], object], times: int) -> Callable[[], float]:
    def run() -> float:
        began = on_cpu(pid)
        for _ in range(times):
            work()
        return on_cpu(pid) - began

    return run


def on_cpu(pid: int) -> float:
    """Seconds that all threads of a process have been on a CPU (Linux: to the nanosecond, where `ps` has ticks)."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


if __name__ == "__main__":
    main()
