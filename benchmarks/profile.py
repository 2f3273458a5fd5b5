"""Where the time of an SMS goes: `python -m benchmarks.profile` writes benchmarks/profile.txt.

wrk, 16 connections --> a worker --py-spy, 250 looks a second at who holds the interpreter--> share of each function
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Final

from benchmarks.contest import CONNECTIONS, UNDERTONE, Bench
from benchmarks.load import bodies, post
from benchmarks.server import ROOT
from benchmarks.table import head
from benchmarks.texts import SMS

OUTPUT: Final = ROOT / "benchmarks" / "profile.txt"
RATE: Final = 250
WARM: Final = 2
SHOWN: Final = 45
"""Functions of each list."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=20, help="how long it is looked at (%(default)s)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the table goes (%(default)s)")
    asked = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first})
    about = [f"{name}: {value}" for name, value in head(1, asked.seconds).items() if name != "how"]
    with TemporaryDirectory() as folder:
        stacks = _stacks(Bench(first, 1, asked.seconds, Path(folder)))
    asked.output.write_text("\n".join([*about, "", *table(stacks)]) + "\n", "utf-8")
    print(asked.output.read_text("utf-8"), end="")


def _stacks(bench: Bench) -> list[str]:
    """As py-spy writes them: `outermost;…;innermost number`."""
    raw = bench.folder / "raw"
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--gil", "--format", "raw", "--rate", str(RATE)]
    file = bodies(bench.folder / "sms.jsonl", [{"text": SMS, "task": "spam"}])
    with bench.running(UNDERTONE) as (server,), ThreadPoolExecutor(1) as aside:
        load = aside.submit(post, f"{server.url}{UNDERTONE.path}", file, CONNECTIONS, bench.seconds + 2 * WARM)
        sleep(WARM)
        asked = ["--pid", str(server.worker.pid), "--duration", f"{bench.seconds:.0f}", "--output", str(raw)]
        subprocess.run([*spy, *asked], check=True, capture_output=True)
        load.result()
    return raw.read_text("utf-8").splitlines()


def table(stacks: Iterable[str]) -> Iterator[str]:
    """The functions in which most of the looks ended, and those below which most of them were.

    >>> *_, last = table(["serve (a.py:1);read (b.py:2) 3", "serve (a.py:1) 1"])
    >>> last
    '   75.0%  read (b.py)'
    """
    alone: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for stack in stacks:
        frames, _, number = stack.rpartition(" ")
        names = [frame.rpartition(":")[0] + ")" for frame in frames.split(";")]
        alone[names[-1]] += int(number)
        for name in set(names):
            below[name] += int(number)
    looks = alone.total()
    for title, counts in (("in the function itself", alone), ("in it and what it calls", below)):
        yield from ("", f"{title}, of {looks:,} looks")
        yield from (f"  {number / looks:6.1%}  {name}" for name, number in counts.most_common(SHOWN))


if __name__ == "__main__":
    main()
