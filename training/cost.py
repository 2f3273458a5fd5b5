"""What work costs: time of the processor, time by the clock, and the most memory so far.

now() --work--> since(began) --> {cpu_seconds, wall_seconds, peak_mb}
"""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Final, NamedTuple

_UNIT: Final = 1 if sys.platform == "darwin" else 1024
"""Bytes that getrusage counts memory in."""


class Moment(NamedTuple):
    cpu: float
    wall: float


def now() -> Moment:
    return Moment(processor(), time.perf_counter())


def since(began: Moment) -> dict[str, float]:
    """Seconds from `began` on; and the most memory, in MB, that this process has ever held, which never falls."""
    here = now()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT / 1e6
    return {"cpu_seconds": here.cpu - began.cpu, "wall_seconds": here.wall - began.wall, "peak_mb": peak}


def processor() -> float:
    """Seconds of processor time so far, those of programs that were run included: what else runs here adds nothing."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
