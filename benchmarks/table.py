"""What a run found, and how it is shown: text, JSON, and back.

rounds --Spread--> Line: a thing, its figures --Found--> text, results.json
                   Target: wanted, got ----------^ `<-------- results.json
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.rounds import machine
from benchmarks.server import ROOT

VERSIONS: Final = ("bentoml", "litserve", "mosec", "numpy", "redis", "starlette", "uvicorn", "uvloop")


class Spread(NamedTuple):
    """The median of the rounds, and the lowest and highest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Iterable[float]) -> Spread:
        values = sorted(rounds)
        return cls(median(values), values[0], values[-1])


class Line(NamedTuple):
    """What was measured of one thing; `wrong` says why it was not, since its outputs are others."""

    row: str
    name: str
    figures: dict[str, Spread]
    wrong: str = ""
    ours: bool = True
    """False: of another's, so that a picture can tell."""


class Target(NamedTuple):
    """What issue 6 wants of a row. `least`: `got` has to be at least `wanted`, else at most."""

    row: str
    what: str
    got: float
    wanted: float
    unit: str
    least: bool

    @property
    def met(self) -> bool:
        return self.got >= self.wanted if self.least else self.got <= self.wanted


@dataclass
class Found:
    """All of a run, and where and when it was."""

    head: dict[str, str]
    lines: list[Line] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def add(self, other: Iterable[Line | Target]) -> None:
        for each in other:
            if isinstance(each, Line):
                self.lines.append(each)
            else:
                self.targets.append(each)

    def text(self) -> str:
        parts = [f"{name}: {value}" for name, value in self.head.items()]
        for row, lines in groupby(self.lines, key=lambda line: line.row):
            parts += ["", row, *_table(list(lines))]
        if self.targets:
            parts += ["", "targets", *_targets(self.targets)]
        return "\n".join(parts) + "\n"

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Found:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        lines = [
            Line(row, name, {figure: Spread(*values) for figure, values in figures.items()}, wrong, ours)
            for row, name, figures, wrong, ours in data["lines"]
        ]
        return cls(data["head"], lines, [Target(*target) for target in data["targets"]])


def head(rounds: int, seconds: float) -> dict[str, str]:
    """When, where, with what and how."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    how = f"medians of {rounds} rounds of {seconds:g} s in turn, lowest and highest in brackets"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit or "unknown",
        "machine": f"{cpu[1] if cpu else platform.processor()}, {machine()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in VERSIONS if find_spec(name)),
        "how": f"{how}; a server on one core, its clients on another",
    }


def number(value: float) -> str:
    """Three digits that count, but no fraction of what is large.

    >>> number(0.01234), number(3.14159), number(42.5), number(12345.6)
    ('0.0123', '3.14', '42.5', '12,346')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def _table(lines: Sequence[Line]) -> list[str]:
    figures = list(dict.fromkeys(figure for line in lines for figure in line.figures))
    shown = [[_spread(line.figures[f]) if f in line.figures else "" for f in figures] for line in lines]
    widths = [max(map(len, column)) for column in zip(figures, *shown, strict=True)]
    first = max(len(line.name) for line in lines)
    rows = [("", figures)] + [
        (line.name, [f"WRONG: {line.wrong}"] if line.wrong else cells) for line, cells in zip(lines, shown, strict=True)
    ]
    return [
        "  ".join(
            ["", name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=False))]
        ).rstrip()
        for name, cells in rows
    ]


def _targets(targets: Sequence[Target]) -> list[str]:
    widest = max(len(f"{target.row}: {target.what}") for target in targets)
    lines = []
    for target in targets:
        wanted = f"{'at least' if target.least else 'at most'} {number(target.wanted)}{target.unit}"
        said = "met" if target.met else f"MISSED by {_off(target)}"
        what = f"{target.row}: {target.what}".ljust(widest)
        lines.append(f"  {what}  {wanted:>18}  {number(target.got) + target.unit:>12}  {said}")
    return lines


def _off(target: Target) -> str:
    """By what share of what is wanted; where that is nothing, by how much."""
    off = abs(target.got - target.wanted)
    return f"{off / target.wanted:.0%}" if target.wanted else number(off) + target.unit


def _spread(spread: Spread) -> str:
    """The ends only where there were rounds."""
    alone = number(spread.median)
    return alone if spread.low == spread.high else f"{alone} ({number(spread.low)} to {number(spread.high)})"
