"""Short versions of what `make faults` runs for longer: nothing acknowledged is lost, and no number is wrong."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults import scenes
from tests.faults.scenes import Outcome, Stage

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with scenes.stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def clean(outcome: Outcome, operations: int) -> None:
    assert outcome.tally.operations >= operations
    assert (outcome.tally.lost, outcome.tally.wrong) == (0, 0), outcome


def test_thousands_of_requests_at_the_same_time_have_a_serial_order(on: Stage) -> None:
    clean(scenes.nothing(on, each=350), operations=2000)


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
    clean(scenes.rotation(on, each=60), operations=300)
    numbers = {value[1] for value in (on.redis.client.get(key) for key in on.redis.client.keys("undertone:*")) if value}
    assert len(numbers) == 2, "both keys have written"


def test_a_stream_whose_worker_is_killed_is_resumed_on_another(on: Stage) -> None:
    outcome = scenes.resumed_streams(on, seconds=1)
    clean(outcome, operations=2)
    assert outcome.faults >= 1


def test_workers_killed_under_load(on: Stage) -> None:
    outcome = scenes.killed_workers(on, seconds=8)
    clean(outcome, scenes.FEWEST)
    assert outcome.faults >= 1
