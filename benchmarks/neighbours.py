"""Row 6: what an SMS waits while the largest texts that are served are being scored.

an SMS --wrk, 16 connections--> p50, p99     the same, and one connection more with a text of 1,000,000 code points
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from threading import Event
from time import perf_counter, sleep
from typing import Final

from benchmarks import predict
from benchmarks.contest import UNDERTONE, Bench, Client, Sample, figures, loaded
from benchmarks.load import bodies
from benchmarks.rounds import in_turn
from benchmarks.server import Server
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import LARGE, SMS, conversation

PATH: Final = "/v1/predict"
ROW: Final = "6 an SMS, alone and while texts of 1,000,000 code points are scored"
LEAD: Final = 1.0
"""Seconds that the large texts are sent for before the SMS."""
DISTURBED: Final = 1.5
"""Times row 1's p50: what waits longer was not alone, and a ratio to it would flatter."""
TRIES: Final = 3
"""How often all of it is measured, where it was disturbed."""


def rows(bench: Bench) -> Iterator[Line | Target]:
    sms = bodies(bench.folder / "sms.jsonl", [{"text": SMS, "task": "spam"}])
    calm = bench.found.median(predict.LINES["sms"], "Undertone", "p50 ms")
    with bench.running(UNDERTONE) as (server,), ThreadPoolExecutor(1) as aside:
        alone = partial(loaded, server, PATH, sms, bench.seconds)

        def beside() -> tuple[Sample, float]:
            ended = Event()
            sent = aside.submit(_large, server, ended)
            sleep(LEAD)
            try:
                sample = alone()
            finally:
                ended.set()
            return sample, sent.result()

        works: dict[str, Callable[[], tuple[Sample, float]]] = {"alone": lambda: (alone(), 0.0), "beside": beside}
        for _ in range(TRIES):
            found = in_turn(works, bench.rounds)
            quiet, loud = ([sample for sample, _ in found[name]] for name in works)
            if not (note := disturbed(quiet, calm)):
                break
    yield Line(ROW, "SMS alone", _waiting(quiet), note=note)
    rate = Spread.of(rate for _, rate in found["beside"])
    yield Line(ROW, "SMS beside large texts", {**_waiting(loud), "large texts/s": rate})
    ratio = median(b.load.p99_ms / a.load.p99_ms for a, b in zip(quiet, loud, strict=True))
    what = f"p99 beside large texts, over alone{', which was disturbed' if note else ''}"
    yield Target("6 an SMS", what, ratio, 3, " x", least=False)


def disturbed(alone: Sequence[Sample], calm: float | None) -> str:
    """What there is to say where the SMS waited long although they were alone; `calm` is row 1's p50 in ms."""
    took = median(sample.load.p50_ms for sample in alone)
    if calm is None or took <= DISTURBED * calm:
        return ""
    return f"disturbed: its p50 is {took / calm:.1f} x that of the same load in row 1"


def _waiting(samples: list[Sample]) -> dict[str, Spread]:
    return {name: spread for name, spread in figures(samples).items() if name != "requests/s"}


def _large(server: Server, ended: Event) -> float:
    """Sends the largest text again and again, one at a time; how many a second."""
    client, body = Client(server), {"text": conversation(LARGE // 60)[:LARGE], "task": "spam"}
    number, began = 0, perf_counter()
    while not ended.is_set():
        client.post(PATH, body)
        number += 1
    return number / (perf_counter() - began)
