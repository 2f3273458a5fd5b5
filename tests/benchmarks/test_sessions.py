"""docs/scaling.md shows what `python -m benchmarks.sessions` prints, and its plan follows from its own figures."""

from __future__ import annotations

import math
import re
from typing import Final

import pytest

from benchmarks.server import ROOT
from benchmarks.sessions import BUSY, LIVE, MODELS, PAUSE, SERVER_GB, Measured, plan, table

TEXT: Final = (ROOT / "docs" / "scaling.md").read_text("utf-8")


def shown() -> list[str]:
    found = re.search(r"```bash slow\npython -m benchmarks\.sessions\n```\n\n```text\n(.*?)```", TEXT, re.S)
    assert found is not None
    return found[1].splitlines()


def measured(row: str) -> Measured:
    task, *numbers = row.split()
    return Measured(task, *(float(number.replace(",", "")) for number in numbers))


def test_the_document_s_table_is_the_one_that_its_figures_give() -> None:
    machine, _, *rows = shown()
    assert re.fullmatch(r"\w+, \d+ CPUs, Python [\d.]+, load [\d., ]+", machine)
    found = [measured(row) for row in rows[: len(MODELS)]]
    assert [one.task for one in found] == list(MODELS)
    assert shown()[1:] == [line.rstrip() for line in table(found)]


def test_the_document_s_figures_can_be() -> None:
    for one in map(measured, shown()[2 : 2 + len(MODELS)]):
        assert 1000 < one.memory_usage <= 2048, "the promise is 2 KB"
        assert one.memory_usage < one.bytes < 1.5 * one.memory_usage
        assert 0 < one.redis_us < one.stateless_us < one.worker_us


@pytest.mark.parametrize("live", LIVE)
def test_a_plan_is_arithmetic(live: int) -> None:
    _, said, gigabytes, rate, redis_cores, worker_cores, servers, workers = plan(
        Measured("spam", 1500, 1600, 60, 1000, 800), live
    )
    cells = [float(cell.replace(",", "")) for cell in (said, gigabytes, rate, redis_cores, worker_cores)]
    assert cells == pytest.approx(
        [live, live * 1600 / 1e9, live / PAUSE, live / PAUSE * 60e-6 / BUSY, live / PAUSE * 1e-3 / BUSY],
        rel=0.01,
        abs=0.5,
    )
    assert int(workers.replace(",", "")) >= max(1, live / PAUSE * 1e-3 / BUSY)
    assert int(servers.replace(",", "")) == max(
        1, math.ceil(max(live * 1600 / 1e9 / (SERVER_GB / 2), live / PAUSE * 60e-6 / BUSY))
    )
