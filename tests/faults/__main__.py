"""`make faults`: the long versions of tests/faults/test_scenes.py, and a table of what they have shown."""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tests.faults import scenes

ROW = "{:<30} {:>10} {:>10} {:>15} {:>11} {:>19}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of each fault (%(default)g)")
    parser.add_argument("--each", type=int, default=2000, help="requests of each caller at the same time (%(default)d)")
    arguments = parser.parse_args()
    seconds, each = arguments.seconds, arguments.each
    with tempfile.TemporaryDirectory() as folder, scenes.stage(Path(folder)) as on:
        runs = [
            partial(scenes.nothing, on, each),
            *(partial(scenes.troubled, on, trouble, seconds) for trouble in scenes.REDIS),
            partial(scenes.emptied, on, seconds),
            partial(scenes.rotation, on, each // 2),
            partial(scenes.resumed_streams, on, seconds),
            partial(scenes.killed_workers, on, seconds),
        ]
        outcomes = [run() for run in tqdm(runs, unit="scene")]
    print(ROW.format("", "operations", "unanswered", "faults injected", "steps lost", "wrong probabilities"))
    for name, faults, tally in outcomes:
        print(ROW.format(name, tally.operations, tally.unanswered, faults, tally.lost, tally.wrong))
    sys.exit(any(outcome.tally.lost or outcome.tally.wrong for outcome in outcomes))


if __name__ == "__main__":
    main()
