"""Row 7: does it stay as fast and as small? Ten minutes of load on one worker.

wrk, 16 connections, slice after slice --> p50, p99, MB resident      in the worker --gc.callbacks--> its longest pause
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tqdm import trange

from benchmarks.contest import UNDERTONE, Bench, Sample, figures, loaded
from benchmarks.load import bodies
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import MAIL, SMS

SLICES: Final = 60
SECONDS: Final = 10
"""Of each."""
FILLED: Final = 3
"""Slices in which caches and pools fill."""
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


def rows(bench: Bench) -> Iterator[Line | Target]:
    samples, resident, pauses = _soaked(bench)
    minutes = SLICES * SECONDS / 60
    row = f"7 {minutes:.3g} minutes of an SMS and a mail in turn, half of them in a session"
    longest, growth = max(pauses, default=0.0), resident[-1] / resident[FILLED - 1]
    single = {
        "requests": float(sum(sample.load.requests for sample in samples)),
        "collector's pauses": float(len(pauses)),
        "longest ms": longest,
        f"MB after {FILLED * SECONDS} s": resident[FILLED - 1],
        "MB at the end": resident[-1],
    }
    yield Line(row, "Undertone", figures(samples) | {name: Spread.of([value]) for name, value in single.items()})
    yield Target("7 under load", "longest pause of the collector", longest, 10, " ms", least=False)
    yield Target("7 under load", "memory at the end, over when filled", growth, 1.05, " x", least=False)


def _soaked(bench: Bench) -> tuple[list[Sample], list[float], list[float]]:
    """What each slice was, the worker's MB after it, and the collector's pauses in ms."""
    told = bench.folder / "pauses"
    (bench.folder / "sitecustomize.py").write_text(WATCH.format(file=str(told)), "utf-8")
    asked = [{"text": text, "task": "spam"} for _ in range(500) for text in (SMS, MAIL)]
    in_sessions = [{**each, "session_id": f"s-{i}"} for i, each in enumerate(asked)]
    file = bodies(bench.folder / "texts.jsonl", [*in_sessions, *asked])
    with bench.running(UNDERTONE, PYTHONPATH=str(bench.folder)) as (server,):
        worker = str(server.worker.pid)
        if worker not in told.read_text("utf-8").split():
            raise RuntimeError("the start of a worker has pauses, and none was told: sitecustomize.py is not ours")
        told.write_text("", "utf-8")  # those of the start are not of interest
        samples, resident = [], []
        for _ in trange(SLICES, desc="slices of load", leave=False):
            samples.append(loaded(server, UNDERTONE.path, file, SECONDS))
            resident.append(server.worker.memory_info().rss / 1e6)
    pauses = [line.split() for line in told.read_text("utf-8").splitlines()]
    return samples, resident, [float(milliseconds) for process, milliseconds in pauses if process == worker]
