"""Measures the service beside others: `make bench`, which is `python -m benchmarks`.

    rows 1 to 6 --a core for servers, another for clients, rounds in turn--> table, results.json, results.png
    results.json --`--readme`--> README.md

Every target of the table says whether it is met, and by how much it is not. Wants wrk (`make tools`).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import bulk, neighbours, predict, start, steps, streaming
from benchmarks.contest import Bench
from benchmarks.picture import draw
from benchmarks.server import ROOT
from benchmarks.table import Found, Line, Target, head

RESULTS: Final = ROOT / "benchmarks" / "results.json"
README: Final = ROOT / "README.md"
ROWS: Final[dict[str, Callable[[Bench], Iterator[Line | Target]]]] = {
    "predict": predict.rows,
    "stream": streaming.rows,
    "sessions": steps.rows,
    "bulk": bulk.rows,
    "start": start.rows,
    "neighbours": neighbours.rows,
}
_SHOWN: Final = re.compile(r"(make bench DATA_DIR=DIR\n```\n\n```text\n)(.*?)(```\n)", re.S)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in a round (%(default)s)")
    parser.add_argument("--data-dir", type=Path, help="where aclimdb and enron_spam are; without them no row 4")
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one; may be given several times")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes; the picture goes beside it")
    parser.add_argument("--readme", action="store_true", help="measures nothing: puts the last results into README.md")
    asked = parser.parse_args()
    if asked.readme:
        README.write_text(shown(README.read_text("utf-8"), Found.load(asked.output)), "utf-8")
        return
    found = measured(asked.row or list(ROWS), asked.rounds, asked.seconds, asked.data_dir)
    found.save(asked.output)
    draw(found, asked.output.with_suffix(".png"))
    print(found.text(), end="")


def measured(rows: list[str], rounds: int, seconds: float, data_dir: Path | None = None) -> Found:
    """Runs the rows; what they do is told on stderr."""
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        sys.exit("one core is the servers' and another one is the clients': there is only one here")
    if which("wrk") is None:
        sys.exit("the load comes from wrk, which is not installed: `make tools` does that")
    found = Found(head(rounds, seconds))
    os.sched_setaffinity(0, others)
    with TemporaryDirectory() as folder:
        bench = Bench(first, rounds, seconds, Path(folder), data_dir)
        for number, row in enumerate(rows, start=1):
            print(f"{number} of {len(rows)}: {row} …", file=sys.stderr, flush=True)
            found.add(ROWS[row](bench))
    return found


def shown(readme: str, found: Found) -> str:
    """The README with these figures below its `make bench`."""
    changed, times = _SHOWN.subn(lambda match: match[1] + found.text() + match[3], readme)
    if times != 1:
        raise ValueError(f"README.md shows {times} times what `make bench` prints, wanted is once: see _SHOWN")
    return changed


if __name__ == "__main__":
    main()
