"""A run's figures as a picture, for those who would rather look.

Found --by row--> bars: requests/s of each server, what a sentence costs at each depth, what an SMS waits
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Final

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.table import Found, Line, number

SHOWN: Final = ("requests/s", "p99 ms", "CPU µs", "documents/s", "CPU µs a sentence")
"""What is drawn of a row: the first of these that it has, if at least two things have it."""
OURS: Final = "#1f6f8b"
OTHERS: Final = "#b8c4cc"


def draw(found: Found, path: Path) -> None:
    """One panel a row, and no panel for a row with nothing to compare."""
    rows = [(row, list(lines)) for row, lines in groupby(found.lines, key=lambda line: line.row)]
    panels = [(row, name, lines) for row, lines in rows if (name := _shown(lines))]
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(9, 1 + sum(0.5 + 0.3 * len(ls) for *_, ls in panels)),
        squeeze=False,
        gridspec_kw={"height_ratios": [1 + len(lines) for *_, lines in panels]},
    )
    for axis, (row, name, lines) in zip(axes[:, 0], panels, strict=True):
        _bars(axis, row, name, [line for line in lines if name in line.figures])
    figure.suptitle(
        f"{found.head['date']}, commit {found.head['commit']}\n{found.head['machine']}", fontsize=8, x=0.01, ha="left"
    )
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def _shown(lines: list[Line]) -> str | None:
    return next((name for name in SHOWN if sum(name in line.figures for line in lines) > 1), None)


def _bars(axis: Axes, row: str, figure: str, lines: list[Line]) -> None:
    spreads = [line.figures[figure] for line in lines]
    medians = [spread.median for spread in spreads]
    reach = [[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]]
    bars = axis.barh(
        [line.name for line in lines],
        medians,
        xerr=reach,
        color=[OURS if line.ours else OTHERS for line in lines],
        error_kw={"lw": 0.8, "ecolor": "#444"},
    )
    axis.bar_label(bars, [f" {number(value)}" for value in medians], fontsize=7)
    axis.invert_yaxis()
    axis.set_title(f"{row}: {figure}", fontsize=8, loc="left")
    axis.tick_params(labelsize=7)
    if max(medians) > 50 * min(medians):
        axis.set_xscale("log")
    axis.spines[["top", "right"]].set_visible(False)
