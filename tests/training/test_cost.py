"""What work costs: memory that was held is told for ever, sleep costs no processor, and other programs' time counts."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from training import cost


def test_memory_is_told_after_it_was_given_back() -> None:
    before = cost.since(cost.now())["peak_mb"]
    held = np.ones((int(before) + 50, 1_000_000), np.uint8)  # that is more than ever before
    del held
    assert before + 40 < cost.since(cost.now())["peak_mb"] < 3 * before + 200


def test_sleep_takes_time_by_the_clock_alone() -> None:
    began = cost.now()
    time.sleep(0.5)
    spent = cost.since(began)
    assert spent["wall_seconds"] >= 0.5
    assert spent["cpu_seconds"] < 0.25


def test_a_program_that_was_run_counts() -> None:
    began = cost.now()
    subprocess.run([sys.executable, "-c", "sum(i for i in range(3_000_000))"], check=True)
    assert cost.since(began)["cpu_seconds"] > 0.05
