"""Processes that do the same work side by side, each on a core of its own.

Workers(works, cores) --run(name, n)--> the first n of them, a part of the documents each --> seconds of CPU, results

They are forked once everything is loaded, so all works have the same memory and none is paid for twice.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection

from threadpoolctl import threadpool_limits

Work = Callable[[Sequence[str]], list[float]]
"""Texts in, the probability of the last label of each out."""


class Workers:
    """One process a core; a context manager."""

    def __init__(self, works: Mapping[str, Work], texts: Sequence[str], cores: Sequence[int]) -> None:
        context = multiprocessing.get_context("fork")
        self._ours: list[Connection] = []
        self._processes = []
        for core in cores:
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, core, works, texts), daemon=True)
            process.start()
            self._ours.append(ours)
            self._processes.append(process)

    def run(self, name: str, number: int) -> tuple[float, list[float]]:
        """What `number` processes make of all texts together; the seconds of CPU of the one that took most."""
        for part, ours in enumerate(self._ours[:number]):
            ours.send((name, part, number))
        answers = [ours.recv() for ours in self._ours[:number]]
        found: list[float] = [0.0] * sum(len(results) for _, results in answers)
        for part, (_, results) in enumerate(answers):
            found[part::number] = results
        return max(took for took, _ in answers), found

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for ours in self._ours:
            ours.send(None)
        for process in self._processes:
            process.join()


def _serve(theirs: Connection, core: int, works: Mapping[str, Work], texts: Sequence[str]) -> None:
    os.sched_setaffinity(0, {core})
    threadpool_limits(1)
    while (asked := theirs.recv()) is not None:
        name, part, number = asked
        began = time.process_time()
        results = works[name](texts[part::number])
        took = time.process_time() - began
        theirs.send((took, results))
