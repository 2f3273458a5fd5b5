"""Rows for people: lines under heads, and CSV.

{column: how its values are written}, rows --lines, cell--> text, --write--> a CSV file
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from training.rows import Row


def lines(columns: Mapping[str, str], rows: Sequence[Row]) -> Iterator[str]:
    """The heads, and a line per row; the first column is to the left."""
    widths = {name: max([len(name), *(len(cell(columns, name, row)) for row in rows)]) for name in columns}
    first = next(iter(columns))
    yield "  ".join(f"{name:{'<' if name == first else '>'}{widths[name]}}" for name in columns)
    for row in rows:
        yield "  ".join(f"{cell(columns, n, row):{'<' if n == first else '>'}{widths[n]}}" for n in columns)


def cell(columns: Mapping[str, str], name: str, row: Row) -> str:
    value = row.get(name)
    return "" if value is None else columns[name].format(value)


def write(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns))
        writer.writeheader()
        writer.writerows(rows)
