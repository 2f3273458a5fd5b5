"""Seconds by phase: those that overlap count once for the request, each for itself in the histogram."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client import CollectorRegistry

from service import phases
from service.metrics.families import Families
from service.metrics.ledger import Ledger
from service.phases import MOST_SPANS, PHASES, Phases, phase


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def families(ledger: Ledger) -> Families:
    return Families(CollectorRegistry(), ledger)


def request(families: Families, traced: bool = False) -> Phases:
    return Phases("id", {name: families.phase_seconds[name] for name in PHASES}, traced=traced)


def test_work_at_the_same_time_takes_its_time_once(families: Families, ledger: Ledger) -> None:
    known = request(families)
    for began, ended in ((0.0, 2.0), (1.0, 2.0), (1.0, 3.0), (5.0, 6.0)):
        known.spent("queue", began, ended)
    known.spent("model", 2.0, 2.5)
    assert known.seconds == {"queue": 4.0, "model": 0.5}
    ledger.write()
    registry = families._registry
    assert registry.get_sample_value("undertone_phase_seconds_count", {"phase": "queue"}) == 4
    assert registry.get_sample_value("undertone_phase_seconds_sum", {"phase": "queue"}) == 2 + 1 + 2 + 1


def test_spans_are_kept_where_they_are_wanted_and_not_without_end(families: Families) -> None:
    known, traced = request(families), request(families, traced=True)
    for number in range(2 * MOST_SPANS):
        known.spent("parse", number, number + 1)
        traced.spent("parse", number, number + 1)
    assert known.spans is None
    assert traced.spans is not None
    assert len(traced.spans) == MOST_SPANS
    assert traced.seconds == {"parse": 2 * MOST_SPANS}


def test_work_belongs_to_the_request_whose_task_does_it(families: Families) -> None:
    async def answer(name: phases.Phase) -> Phases:
        known = request(families)
        token = phases.begin(known)
        with phase(name):
            await asyncio.create_task(work())
        phases.end(token)
        return known

    async def work() -> None:
        with phase("redis"):
            await asyncio.sleep(0.01)

    async def main() -> tuple[Phases, Phases]:
        return await asyncio.gather(answer("parse"), answer("segment"))

    one, other = asyncio.run(main())
    assert (set(one.seconds), set(other.seconds)) == ({"parse", "redis"}, {"segment", "redis"})
    assert one.seconds["parse"] >= one.seconds["redis"] >= 0.01


def test_work_for_nobody_is_not_looked_at() -> None:
    assert phases.current() is None
    with phase("model"):
        pass
    phases.spent("queue", time.perf_counter())
    phases.session("spam", "created")


def test_the_header_is_server_timing_in_milliseconds(families: Families) -> None:
    known = request(families)
    known.spent("parse", 1.0, 1.0005)
    known.spent("model", 1.0, 1.25)
    parts = known.header().split(", ")
    assert parts[:2] == ["parse;dur=0.500", "model;dur=250.000"]
    assert parts[2].startswith("total;dur=")
