"""`make faults`: the long versions of tests/faults/test_scenes.py, and a table of what they have shown."""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tests.faults import scenes
from tests.faults.scenes import Outcome

ROW = "{:<28} {:>10} {:>10} {:>6} {:>7} {:>5} {:>19}   {}"

HEAD = ROW.format("", "operations", "unanswered", "faults", "s apart", "lost", "wrong probabilities", "workers")
LEGEND = """
unanswered: refused or cut off, and sent again   s apart: the median time from one fault to the next
lost: steps that were acknowledged and are gone; of a session whose answers no order explains, all of its steps
in turn: answers of a session by another worker than the one before
memory: what the worker that grew most took on top, from a quarter of the sessions to the end"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each fault (%(default)g)")
    parser.add_argument("--each", type=int, default=2000, help="requests of each caller at the same time (%(default)d)")
    arguments = parser.parse_args()
    seconds, each = arguments.seconds, arguments.each
    with tempfile.TemporaryDirectory() as folder, scenes.stage(Path(folder)) as on:
        runs = [
            partial(scenes.nothing, on, each),
            partial(scenes.many_sessions, on, each),
            *(partial(scenes.troubled, on, trouble, seconds) for trouble in scenes.REDIS),
            partial(scenes.emptied, on, seconds),
            partial(scenes.rotation, on, seconds),
            partial(scenes.resumed_streams, on, seconds),
            partial(scenes.killed_workers, on, seconds),
            partial(scenes.killed_often, on, seconds),
        ]
        tqdm.write(HEAD)
        bad = False
        for run in tqdm(runs, unit="scene"):
            outcome = run()
            tqdm.write(row(outcome))
            bad = bad or not outcome.clean
    print(LEGEND)
    sys.exit(bad)


def row(one: Outcome) -> str:
    apart = "" if one.every is None else f"{one.every:.2f}"
    workers = f"in turn: {one.tally.alternating:.0%}" if one.grown is None else f"memory: {one.grown:+.1f} MB"
    workers += "" if one.in_turn else f", which is less than {one.least:.0%}"
    counts = (one.tally.operations, one.tally.unanswered, one.faults, apart, one.tally.lost, one.tally.wrong)
    return ROW.format(one.name, *counts, workers)


if __name__ == "__main__":
    main()
