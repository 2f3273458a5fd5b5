"""What a run found, and how it is shown: text, JSON, and back.

rounds --Spread--> Line: a thing, its figures --Found--> text, results.json
                   Target: wanted, got ----------^ `<-------- results.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple


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
    """What was measured of one thing; `wrong` says why it was not, since its outputs are others; `note` is what else
    there is to know: that it was disturbed, or not measured at all."""

    row: str
    name: str
    figures: dict[str, Spread]
    wrong: str = ""
    ours: bool = True
    """False: of another's, so that a picture can tell."""
    note: str = ""


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

    def median(self, row: str, name: str, figure: str) -> float | None:
        """Of a line; None where there is no such line."""
        found = (line.figures[figure] for line in self.lines if (line.row, line.name) == (row, name))
        return next((spread.median for spread in found), None)

    def updated(self, later: Found) -> Found:
        """This run, with the rows that a later one measured in place of its own. The head is that of the run from which
        more rows are, and tells of the others when they were measured."""
        again = later._rows()
        kept = self._rows() - again
        lines: list[Line] = [*(line for line in self.lines if _row(line) in kept), *later.lines]
        targets: list[Target] = [*(target for target in self.targets if _row(target) in kept), *later.targets]
        if len(kept) > len(again):
            head = self.head | {f"row {row}": later._when() for row in sorted(again)}
        else:
            head = later.head | {f"row {row}": self.head.get(f"row {row}", self._when()) for row in sorted(kept)}
        return Found(head, sorted(lines, key=_row), sorted(targets, key=_row))

    def _rows(self) -> set[str]:
        return {_row(line) for line in self.lines} | {_row(target) for target in self.targets}

    def _when(self) -> str:
        return f"{self.head['date']}, commit {self.head['commit']}, {self.head['machine']}"

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
            Line(row, name, {figure: Spread(*values) for figure, values in figures.items()}, *rest)
            for row, name, figures, *rest in data["lines"]
        ]
        return cls(data["head"], lines, [Target(*target) for target in data["targets"]])


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
    rows = [("", figures, "")] if figures else []
    rows += [
        (line.name, [f"WRONG: {line.wrong}"] if line.wrong else cells, line.note)
        for line, cells in zip(lines, shown, strict=True)
    ]
    return [
        "  ".join(
            ["", name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=False)), note]
        ).rstrip()
        for name, cells, note in rows
    ]


def _row(each: Line | Target) -> str:
    """The number of its row."""
    return each.row.partition(" ")[0]


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
