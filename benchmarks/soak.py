"""Does it stay as fast and as small? `python -m benchmarks.soak`: ten minutes of load on one worker.

wrk, 16 connections, slice after slice --> p50, p99, MB resident      in the worker --gc.callbacks--> its longest pause
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tqdm import trange

from benchmarks.contest import UNDERTONE, Bench, loaded
from benchmarks.load import bodies
from benchmarks.table import Spread, head
from benchmarks.texts import MAIL, SMS

SLICE: Final = 10
PAUSE_MS: Final = 10.0
GROWTH: Final = 1.05
"""What memory may grow by after the first slices, in which caches and pools fill."""
FILLED: Final = 3
WATCH: Final = """
import gc, os, time
def watch(phase, info, began=[0.0]):
    if phase == "start":
        began[0] = time.thread_time()
    else:
        with open({file!r}, "a") as told:
            told.write(f"{{os.getpid()}} {{1000 * (time.thread_time() - began[0])}}\\n")
gc.callbacks.append(watch)
"""
"""Python runs it at its start, before anything of ours."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10, help="of load (%(default)s)")
    asked = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first})
    slices = max(FILLED + 1, round(asked.minutes * 60 / SLICE))
    print(*(f"{name}: {value}" for name, value in head(slices, SLICE).items() if name != "how"), sep="\n")
    with TemporaryDirectory() as folder:
        sys.exit(_soaked(Bench(first, slices, SLICE, Path(folder))))


def _soaked(bench: Bench) -> int:
    pauses = bench.folder / "pauses"
    (bench.folder / "sitecustomize.py").write_text(WATCH.format(file=str(pauses)), "utf-8")
    asked = [{"text": text, "task": "spam"} for _ in range(500) for text in (SMS, MAIL)]
    in_sessions = [{**each, "session_id": f"s-{i}"} for i, each in enumerate(asked)]
    file = bodies(bench.folder / "texts.jsonl", [*in_sessions, *asked])
    with bench.running(UNDERTONE, PYTHONPATH=str(bench.folder)) as (server,):
        pauses.write_text("", "utf-8")  # those of the start are not of interest
        samples, resident = [], []
        for _ in trange(bench.rounds, desc="slices of load", leave=False):
            samples.append(loaded(server, UNDERTONE.path, file, bench.seconds))
            resident.append(server.worker.memory_info().rss / 1e6)
        worker = str(server.worker.pid)
    told = [line.split() for line in pauses.read_text("utf-8").splitlines()]
    took = [float(milliseconds) for process, milliseconds in told if process == worker]
    longest, growth = max(took, default=0.0), resident[-1] / resident[FILLED - 1]
    p99 = Spread.of(sample.load.p99_ms for sample in samples)
    print(f"requests: {sum(sample.load.requests for sample in samples):,}, half of them in a session")
    print(f"p99 ms: median {p99.median:.1f}, lowest {p99.low:.1f}, highest {p99.high:.1f}")
    print(f"collector's pauses: {len(took):,}, the longest {longest:.2f} ms (at most {PAUSE_MS:g} is wanted)")
    filled, last = resident[FILLED - 1], resident[-1]
    print(f"MB resident: {filled:.0f} after {FILLED * SLICE} s, {last:.0f} at the end, {growth:.3f} x")
    return int(longest > PAUSE_MS or growth > GROWTH)


if __name__ == "__main__":
    main()
