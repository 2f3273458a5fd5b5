"""Where the time of a request goes: `python -m benchmarks.profile` writes benchmarks/profile.txt.

wrk: an SMS, a stream, a session's step --> a worker --its CPU--> µs a request --------------------.
    250 looks a second at who holds the interpreter: py-spy --> share of a layer, file, function --x--> µs
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Final, NamedTuple

from benchmarks.contest import CONNECTIONS, UNDERTONE, Bench
from benchmarks.head import head
from benchmarks.load import NDJSON, bodies, post
from benchmarks.server import ROOT, seconds
from benchmarks.texts import MAIL, SENTENCES, SMS

OUTPUT: Final = ROOT / "benchmarks" / "profile.txt"
RATE: Final = 250
WARM: Final = 2
SHOWN: Final = 20
"""Of each list."""
ALL: Final = 0.95
"""Of the looks: a frame that is in more of them tells nothing."""
LAYERS: Final = ("service", "models", "pydantic", "starlette", "uvicorn", "asyncio", "redis")
"""Packages that are a layer each; the rest is Python's own library, or other packages."""
PYTHON: Final = "Python's library"
OTHERS: Final = "other packages"
UNSEEN: Final = (
    "What the looks do not see: C is booked to the Python that called it (uvloop's writes to uvicorn and asyncio);\n"
    "what lets go of the interpreter (NumPy, over large arrays) to all alike. Redis, another process, is not in here."
)


class Case(NamedTuple):
    """What is asked all the while, by so many clients at once."""

    name: str
    bodies: list[dict[str, str]]
    path: str = UNDERTONE.path
    clients: int = CONNECTIONS
    accept: str = "*/*"


class Profile(NamedTuple):
    """`stacks` as py-spy writes them, `outermost;…;innermost number`, and the worker's CPU a request in µs."""

    stacks: Sequence[str]
    us: float


CASES: Final = (
    Case("an SMS", [{"text": SMS, "task": "spam"}]),
    Case("a stream of 12", [{"text": MAIL, "task": "spam"}], "/v1/stream", accept=NDJSON),
    Case(
        "a session's step",
        [{"text": SENTENCES[i % len(SENTENCES)], "task": "spam", "session_id": f"s-{i}"} for i in range(512)],
        clients=64,
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=20, help="how long each is looked at (%(default)s)")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the tables go (%(default)s)")
    asked = parser.parse_args()
    first, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {first})
    lines = [f"{name}: {value}" for name, value in head(1, asked.seconds).items() if name != "how"]
    lines.append(f"how: {RATE} looks a second for {asked.seconds} s of load by wrk, a worker on one core")
    with TemporaryDirectory() as folder:
        bench = Bench(first, 1, asked.seconds, Path(folder))
        found = [_profile(bench, case) for case in CASES]
    lines += ["", *overview({case.name: profile for case, profile in zip(CASES, found, strict=True)}), "", UNSEEN]
    for case, profile in zip(CASES, found, strict=True):
        lines += ["", "", f"{case.name}: {case.path}, {case.clients} connections", *details(profile)]
    asked.output.write_text("\n".join(lines) + "\n", "utf-8")
    print(asked.output.read_text("utf-8"), end="")


def _profile(bench: Bench, case: Case) -> Profile:
    raw = bench.folder / "raw"
    spy = [str(Path(sys.executable).with_name("py-spy")), "record", "--gil", "--format", "raw", "--rate", str(RATE)]
    file = bodies(bench.folder / "bodies.jsonl", case.bodies)
    with bench.running(UNDERTONE) as (server,), ThreadPoolExecutor(1) as aside:
        worker, before = server.worker, seconds(server.worker)
        asked = (f"{server.url}{case.path}", file, case.clients, bench.seconds + 2 * WARM, case.accept)
        load = aside.submit(post, *asked)
        sleep(WARM)
        looked = ["--pid", str(worker.pid), "--duration", f"{bench.seconds:.0f}", "--output", str(raw)]
        subprocess.run([*spy, *looked], check=True, capture_output=True)
        us = 1e6 / load.result().requests * (seconds(worker) - before)
    return Profile(raw.read_text("utf-8").splitlines(), us)


def overview(profiles: dict[str, Profile]) -> Iterator[str]:
    """What each layer's own code takes of a request, side by side."""
    counts = [Counter[str]() for _ in profiles]
    for count, profile in zip(counts, profiles.values(), strict=True):
        for names, number in _looks(profile.stacks):
            count[_layer(names[-1])] += number
    shares = [{layer: number / count.total() for layer, number in count.items()} for count in counts]
    yield f"{'CPU µs of the worker a request':<32}" + "".join(f"{name:>24}" for name in profiles)
    for layer in sorted({*LAYERS, PYTHON, OTHERS}, key=lambda layer: -shares[0].get(layer, 0.0)):
        cells = zip((share.get(layer, 0.0) for share in shares), profiles.values(), strict=True)
        yield f"  {layer:<30}" + "".join(f"{share * profile.us:>16,.0f} {share:>6.1%}" for share, profile in cells)
    yield f"  {'all':<30}" + "".join(f"{profile.us:>16,.0f}{'':7}" for profile in profiles.values()).rstrip()


def details(profile: Profile) -> Iterator[str]:
    """The files of ours and the functions in which most of the time is, and those below which most of it is.

    >>> *_, last = details(Profile(["serve (a/x.py:1);read (b/y.py:2) 3", "serve (a/x.py:1) 1"], 200))
    >>> last
    '       150   75.0%  read (b/y.py)'
    """
    files: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for names, number in _looks(profile.stacks):
        file = names[-1].rpartition("(")[2].rstrip(")")
        files[file if file.startswith(("service/", "models/")) else _layer(names[-1])] += number
        alone[names[-1]] += number
        for name in set(names):
            below[name] += number
    looks = alone.total()
    below = Counter({name: number for name, number in below.items() if number <= ALL * looks})
    lists = {"in a file of ours, or a layer": files, "in the function itself": alone, "in it and what it calls": below}
    for title, counts in lists.items():
        yield from ("", f"{title}, µs and share of {looks:,} looks")
        for name, number in counts.most_common(SHOWN):
            yield f"  {number / looks * profile.us:8,.0f}  {number / looks:6.1%}  {name}"


def _looks(stacks: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    """The frames of each stack, without their lines, and how often it was seen."""
    for stack in stacks:
        frames, _, number = stack.rpartition(" ")
        yield [frame.rpartition(":")[0] + ")" for frame in frames.split(";")], int(number)


def _layer(frame: str) -> str:
    """Whose code a frame is.

    >>> _layer("send (uvicorn/server.py)"), _layer("f (contextlib.py)"), _layer("__init__ (<string>)")
    ('uvicorn', "Python's library", "Python's library")
    """
    package = frame.rpartition("(")[2].partition("/")[0].rstrip(")").removesuffix(".py")
    if package in LAYERS:
        return package
    return PYTHON if package in sys.stdlib_module_names or package.startswith("<") else OTHERS


if __name__ == "__main__":
    main()
