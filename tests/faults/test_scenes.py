"""Short versions of what `make faults` runs for longer: nothing acknowledged is lost, and no number is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from tests.faults import scenes
from tests.faults.scenes import Outcome, Stage

pytestmark = pytest.mark.tools
GROWN: Final = 1.0
"""MB in 450 sessions, three requests each: a worker that kept what it made for each request would need more."""


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with scenes.stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def clean(outcome: Outcome, operations: int) -> None:
    assert outcome.tally.operations >= operations
    assert outcome.clean, outcome


def test_thousands_of_requests_at_the_same_time_have_a_serial_order(on: Stage) -> None:
    clean(scenes.nothing(on, each=350), operations=2000)


def test_a_worker_keeps_nothing_of_the_sessions_it_has_served(on: Stage) -> None:
    grown = []
    for _ in range(3):  # what is kept of each is more every time; what a worker needs once, it takes once
        outcome = scenes.many_sessions(on, sessions=600)
        clean(outcome, operations=1800)
        assert outcome.grown is not None
        grown.append(outcome.grown)
        if outcome.grown < GROWN:
            break
    assert grown[-1] < GROWN, grown


@pytest.mark.parametrize("trouble", scenes.REDIS)
def test_redis_away_and_back(on: Stage, trouble: str) -> None:
    outcome = scenes.troubled(on, trouble, seconds=1)
    clean(outcome, scenes.FEWEST)
    assert outcome.faults >= 1


def test_redis_emptied(on: Stage) -> None:
    outcome = scenes.emptied(on, seconds=3)
    clean(outcome, scenes.FEWEST)
    assert outcome.faults >= 2


def test_state_keys_are_rotated_under_load(on: Stage) -> None:
    clean(scenes.rotation(on, seconds=1), scenes.FEWEST)


def test_a_stream_whose_worker_is_killed_is_resumed_on_another(on: Stage) -> None:
    outcome = scenes.resumed_streams(on, seconds=1)
    clean(outcome, operations=2)
    assert outcome.faults >= 1


def test_workers_killed_under_load(on: Stage) -> None:
    outcome = scenes.killed_workers(on, seconds=5)
    clean(outcome, scenes.FEWEST)
    assert outcome.faults >= 1


def test_workers_killed_under_load_every_few_hundred_milliseconds(on: Stage) -> None:
    outcome = scenes.killed_often(on, seconds=5)
    clean(outcome, scenes.FEWEST)
    assert outcome.faults >= 4
    assert outcome.every is not None
    assert outcome.every < 0.6, outcome
