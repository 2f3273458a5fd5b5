"""Row 4: whole documents, from text to probability, as benchmarks/bulk.py measures them.

bulk's rows --documents/s, its spread, accuracy--> Line each, and what was aimed for beside fastText
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Final

from benchmarks.bulk import TASKS, measured
from benchmarks.contest import Bench
from benchmarks.table import Line, Spread, Target
from models import shipped

DOCUMENTS: Final = 1000
"""Of each test."""


def rows(bench: Bench) -> Iterator[Line | Target]:
    """Nothing where the data sets are not."""
    if bench.data_dir is None:
        return
    cores = os.sched_getaffinity(0)
    for name in TASKS:
        os.sched_setaffinity(0, {bench.core, *cores})
        try:
            found = measured(name, bench.data_dir, DOCUMENTS, bench.rounds)
        finally:
            os.sched_setaffinity(0, cores)
        row = f"4 {name}: {found[0]['documents']:,} documents of its test, text to probability"
        yield from (_line(row, of) for of in found)
        if name == "aclimdb":
            yield from _targets(found)


def _line(row: str, of: dict[str, Any]) -> Line:
    what, _, wrong = of["what"].partition(": WRONG, ")
    ours = what in shipped.names()
    if wrong:
        return Line(row, what, {}, wrong, ours)
    figures = {"documents/s": Spread(of["documents/s"], of["lowest"], of["highest"])}
    alone = ("MB/s", "of fastText", "on 2 cores", "of fastText on 2")
    figures |= {name: Spread.of([of[name]]) for name in alone if name in of}
    return Line(row, what, {**figures, "accuracy %": Spread.of([100 * of["accuracy"]])}, ours=ours)


def _targets(found: list[dict[str, Any]]) -> Iterator[Target]:
    """The faster of our two has to keep up with fastText, the other to come to 0.3 of it; both at higher accuracy."""
    theirs = next(of for of in found if of["what"] == "fastText")
    ours = [of for of in found if of["what"] in shipped.names()]
    for of, wanted in zip(sorted(ours, key=lambda of: -float(of["of fastText"])), (1.0, 0.3), strict=False):
        yield Target("4 aclimdb", f"{of['what']} beside fastText", of["of fastText"], wanted, " x", least=True)
        better = 100 * (of["accuracy"] - theirs["accuracy"])
        yield Target("4 aclimdb", f"{of['what']}, accuracy above fastText's", better, 0, " points", least=True)
