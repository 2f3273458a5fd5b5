"""Where the time of a request goes: `python -m benchmarks.profile` writes benchmarks/profile.txt.

wrk: an SMS, a stream, a session's step --> a worker --py-spy, 250 looks a second at who holds the interpreter-->
    share of each package, and of each function
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
from typing import Final, NamedTuple

from benchmarks.contest import CONNECTIONS, UNDERTONE, Bench
from benchmarks.load import NDJSON, bodies, post
from benchmarks.server import ROOT
from benchmarks.table import head
from benchmarks.texts import MAIL, SENTENCES, SMS

OUTPUT: Final = ROOT / "benchmarks" / "profile.txt"
RATE: Final = 250
WARM: Final = 2
SHOWN: Final = 25
"""Of each list."""


class Case(NamedTuple):
    """What is asked all the while, by so many clients at once."""

    name: str
    bodies: list[dict[str, str]]
    path: str = UNDERTONE.path
    clients: int = CONNECTIONS
    accept: str = "*/*"


CASES: Final = (
    Case("/v1/predict, an SMS", [{"text": SMS, "task": "spam"}]),
    Case(
        "/v1/stream, twelve sentences that arrive together",
        [{"text": MAIL, "task": "spam"}],
        "/v1/stream",
        accept=NDJSON,
    ),
    Case(
        "/v1/predict, a session's step, 64 clients",
        [{"text": SENTENCES[i % len(SENTENCES)], "task": "spam", "session_id": f"s-{i}"} for i in range(512)],
        clients=64,
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=20, help="how long each is looked at (%(default)s)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the table goes (%(default)s)")
    asked = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first})
    lines = [f"{name}: {value}" for name, value in head(1, asked.seconds).items() if name != "how"]
    with TemporaryDirectory() as folder:
        bench = Bench(first, 1, asked.seconds, Path(folder))
        for case in CASES:
            lines += ["", "", case.name, *table(_stacks(bench, case))]
    asked.output.write_text("\n".join(lines) + "\n", "utf-8")
    print(asked.output.read_text("utf-8"), end="")


def _stacks(bench: Bench, case: Case) -> list[str]:
    """As py-spy writes them: `outermost;…;innermost number`."""
    raw = bench.folder / "raw"
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--gil", "--format", "raw", "--rate", str(RATE)]
    file = bodies(bench.folder / "bodies.jsonl", case.bodies)
    with bench.running(UNDERTONE) as (server,), ThreadPoolExecutor(1) as aside:
        seconds = bench.seconds + 2 * WARM
        load = aside.submit(post, f"{server.url}{case.path}", file, case.clients, seconds, case.accept)
        sleep(WARM)
        asked = ["--pid", str(server.worker.pid), "--duration", f"{bench.seconds:.0f}", "--output", str(raw)]
        subprocess.run([*spy, *asked], check=True, capture_output=True)
        load.result()
    return raw.read_text("utf-8").splitlines()


def table(stacks: Iterable[str]) -> Iterator[str]:
    """The packages and the functions in which most of the looks ended, and those below which most of them were.

    >>> *_, last = table(["serve (a/x.py:1);read (b/y.py:2) 3", "serve (a/x.py:1) 1"])
    >>> last
    '   75.0%  read (b/y.py)'
    """
    packages: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for stack in stacks:
        frames, _, number = stack.rpartition(" ")
        names = [frame.rpartition(":")[0] + ")" for frame in frames.split(";")]
        packages[names[-1].rpartition("(")[2].partition("/")[0].rstrip(")")] += int(number)
        alone[names[-1]] += int(number)
        for name in set(names):
            below[name] += int(number)
    looks = alone.total()
    lists = {"in a package's own code": packages, "in the function itself": alone, "in it and what it calls": below}
    for title, counts in lists.items():
        yield from ("", f"{title}, of {looks:,} looks")
        yield from (f"  {number / looks:6.1%}  {name}" for name, number in counts.most_common(SHOWN))


if __name__ == "__main__":
    main()
