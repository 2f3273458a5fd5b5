"""The benchmark of a stream's sentence: its client reads events, and its clock counts what a process does."""

from __future__ import annotations

import os
import time

from benchmarks.sentence import on_cpu
from benchmarks.server import ROOT


def test_the_clock_counts_all_threads_of_a_process() -> None:
    began, here = on_cpu(os.getpid()), time.process_time()
    while time.process_time() - here < 0.2:
        pass
    assert 0.1 < on_cpu(os.getpid()) - began < 2
    assert (ROOT / "docs" / "phishing.txt").is_file()
