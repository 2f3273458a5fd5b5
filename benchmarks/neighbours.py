"""Row 6: what an SMS waits while the largest texts that are served are being scored.

an SMS --wrk, 16 connections--> p50, p99     the same, and one connection more with a text of 1,000,000 code points
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from threading import Event
from time import perf_counter, sleep
from typing import Final

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


def rows(bench: Bench) -> Iterator[Line | Target]:
    sms = bodies(bench.folder / "sms.jsonl", [{"text": SMS, "task": "spam"}])
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
        found = in_turn(works, bench.rounds)
    quiet, loud = ([sample for sample, _ in found[name]] for name in works)
    yield Line(ROW, "SMS alone", _waiting(quiet))
    rate = Spread.of(rate for _, rate in found["beside"])
    yield Line(ROW, "SMS beside large texts", {**_waiting(loud), "large texts/s": rate})
    ratio = median(b.load.p99_ms / a.load.p99_ms for a, b in zip(quiet, loud, strict=True))
    yield Target("6 an SMS", "p99 beside large texts, over alone", ratio, 3, " x", least=False)


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
