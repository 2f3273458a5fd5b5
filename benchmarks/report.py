"""What a benchmark says: in which surroundings, a table to read, JSON to compare, a picture.

rows [{column: value}], surroundings() --table--> lines   --save--> JSON   --bars--> PNG
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from benchmarks.rounds import Times, machine

ROOT: Final = Path(__file__).parent.parent
Row = Mapping[str, Any]


def surroundings(packages: Sequence[str]) -> dict[str, str]:
    """The machine, the versions and the commit, as they are now."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{cpu[0] if cpu else platform.processor()}, {machine()}",
        "versions": ", ".join(f"{name} {version(name)}" for name in packages),
    }


def rates(times: Times) -> dict[str, float]:
    """Pieces a second: the median of the rounds, the lowest and the highest."""
    low, high = times.spread
    return {"rate": 1 / times.each, "lowest": 1 / high, "highest": 1 / low}


def table(rows: Sequence[Row], columns: Mapping[str, str]) -> Iterator[str]:
    """A line a row; of each column the format of its cells."""
    cells = [list(columns)] + [
        [format(row[name], form) if name in row else "" for name, form in columns.items()] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        first, *others = (
            f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def save(path: Path, around: Mapping[str, str], rows: Sequence[Row]) -> None:
    path.write_text(json.dumps({**around, "rows": rows}, indent=2) + "\n", "utf-8")


def bars(path: Path, title: str, unit: str, groups: Mapping[str, Sequence[tuple[str, Mapping[str, float]]]]) -> None:
    """A panel for each group: a bar for each name, as long as its rate, with the spread of its rounds."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    most = max(map(len, groups.values()))
    figure, panels = plt.subplots(1, len(groups), figsize=(5 * len(groups), 1 + 0.5 * most), squeeze=False)
    for panel, (group, found) in zip(panels[0], groups.items(), strict=True):
        names = [name for name, _ in found]
        rate = [of["rate"] for _, of in found]
        errors = [[of["rate"] - of["lowest"] for _, of in found], [of["highest"] - of["rate"] for _, of in found]]
        panel.barh(names, rate, xerr=errors, color=["#4477aa" if "-" in name else "#bbbbbb" for name in names])
        panel.invert_yaxis()
        panel.set(title=group, xlabel=unit)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)
