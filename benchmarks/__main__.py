"""Measures the service beside others: `make bench`, which is `python -m benchmarks`.

    rows 1 to 6 --a core for servers, another for clients, rounds in turn--> table, results.json, results.png
    row 7, ten minutes of load, by `--row soak` --^                          results.json --`--readme`--> README.md

Every target of the table says whether it is met, and by how much it is not. What a run does not measure stays as the
run before it found it. Wants wrk (`make tools`).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import bulk, neighbours, predict, soak, start, steps, streaming
from benchmarks.contest import Bench
from benchmarks.head import head
from benchmarks.picture import draw
from benchmarks.profile import OUTPUT as PROFILE
from benchmarks.server import ROOT
from benchmarks.table import Found, Line, Target

RESULTS: Final = ROOT / "benchmarks" / "results.json"
README: Final = ROOT / "README.md"
ROWS: Final[dict[str, Callable[[Bench], Iterator[Line | Target]]]] = {
    "predict": predict.rows,
    "stream": streaming.rows,
    "sessions": steps.rows,
    "bulk": bulk.rows,
    "start": start.rows,
    "neighbours": neighbours.rows,
    "soak": soak.rows,
}
SLOW: Final = frozenset({"soak"})
"""Rows that are measured when they are asked for."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each thing is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="of load in a round (%(default)s)")
    parser.add_argument("--data-dir", type=Path, help="where aclimdb and enron_spam are; row 4 wants them")
    parser.add_argument("--row", choices=ROWS, action="append", help="only this one; may be given several times")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes; the picture goes beside it")
    parser.add_argument(
        "--readme", action="store_true", help="measures nothing: puts the last results and profile into README.md"
    )
    asked = parser.parse_args()
    if asked.readme:
        README.write_text(shown(README.read_text("utf-8"), printed(Found.load(asked.output))), "utf-8")
        return
    found = measured(asked.row or [row for row in ROWS if row not in SLOW], asked.rounds, asked.seconds, asked.data_dir)
    if asked.output.exists():
        found = Found.load(asked.output).updated(found)
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
        bench = Bench(first, rounds, seconds, Path(folder), data_dir, found)
        for number, row in enumerate(rows, start=1):
            print(f"{number} of {len(rows)}: {row} …", file=sys.stderr, flush=True)
            found.add(ROWS[row](bench))
    return found


def printed(found: Found) -> dict[str, str]:
    """What the README shows of each command: of the profile, its first part."""
    profile = PROFILE.read_text("utf-8").partition("\n\n\n")[0] + "\n"
    return {"make bench DATA_DIR=DIR": found.text(), "python -m benchmarks.profile": profile}


def shown(readme: str, printed: Mapping[str, str]) -> str:
    """The README with what each command has printed below it."""
    for command, text in printed.items():
        mark = f"\n{command}\n```\n\n```text\n"
        if (times := readme.count(mark)) != 1:
            raise ValueError(f"README.md shows {times} times what `{command}` prints, wanted is once, as a text block")
        before, after = readme.split(mark)
        readme = before + mark + text + "```\n" + after.partition("```\n")[2]
    return readme


if __name__ == "__main__":
    main()
