"""`python -m benchmarks`: the README shows the last run, and a small run comes to its end with its promises kept."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.__main__ import README, RESULTS, measured, shown
from benchmarks.picture import draw
from benchmarks.table import Found


@pytest.fixture
def _all_cores_afterwards() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, cores)


def test_the_readme_shows_the_last_run() -> None:
    text = README.read_text("utf-8")
    found = Found.load(RESULTS)
    assert shown(text, found) == text, "`python -m benchmarks --readme` puts it in"
    for line in found.lines:
        assert re.search(rf"^  {re.escape(line.name)} ", text, re.M), line.name


def test_a_readme_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        shown("```bash\nmake test\n```\n", Found({}))


def test_the_picture_shows_what_can_be_compared(tmp_path: Path) -> None:
    draw(Found.load(RESULTS), tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.tools
@pytest.mark.usefixtures("_all_cores_afterwards")
def test_a_small_run_of_a_row() -> None:
    found = measured(["sessions"], rounds=1, seconds=2)
    assert not [line for line in found.lines if line.wrong]
    rates = [line.figures["requests/s"].median for line in found.lines if "requests/s" in line.figures]
    assert len(rates) == 4
    assert min(rates) > 0
    (trips,) = (target for target in found.targets if target.what == "round trips to Redis")
    assert trips.got == 2
    assert trips.met
