"""The Overview dashboard as a picture: what its queries gave, asked of Prometheus itself.

ops/grafana/dashboards/overview.json --queries--> Prometheus --series--> Figure --> PNG
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tests.ops.files import OVERVIEW, Panel, expanded, panels
from tests.ops.prometheus import Prometheus

COLUMNS: Final = 2
SHOWN: Final = "Shown"
"""A text in the picture's file: shown()."""
WINDOW: Final = "30s"
"""What Grafana would choose as $__rate_interval for a picture of minutes."""
PALETTE: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
"""Okabe and Ito's, which colour-blind people tell apart."""
DASHES: Final = ("-", "--", ":")
LINES: Final = 12
"""Of one column of a legend."""
UNITS: Final = {"s": "seconds", "reqps": "requests a second", "cps": "a second", "short": "", "percentunit": "%"}


def draw(prometheus: Prometheus, start: float, end: float, output: Path) -> None:
    """Writes the picture of the time from `start` to `end`, in seconds since 1970."""
    found = panels(OVERVIEW)
    graphs = [panel for panel in found if panel.kind == "timeseries"]
    rows = math.ceil(len(graphs) / COLUMNS)
    figure = Figure(figsize=(12, 2.3 * rows + 0.6), layout="constrained")
    figure.suptitle(_told([panel for panel in found if panel.kind == "stat"], prometheus), fontsize=9)
    for panel, axes in zip(graphs, figure.subplots(rows, COLUMNS).flat, strict=False):
        _graph(panel, axes, prometheus, start, end)
    for axes in figure.axes[len(graphs) :]:
        axes.set_visible(False)
    figure.savefig(output, dpi=80, metadata={"Software": None, SHOWN: shown()})


def shown() -> str:
    """A digest of what the dashboard asks for and shows: by it a picture of an earlier one is known."""
    drawn = [panel._replace(description="") for panel in panels(OVERVIEW)]
    return hashlib.sha256(repr(drawn).encode()).hexdigest()


def _told(stats: list[Panel], prometheus: Prometheus) -> str:
    """The panels that are numbers, as a line."""
    said: list[str] = []
    for panel in stats:
        for query in panel.queries:
            for labels, value in prometheus.values(expanded(query.expression, WINDOW)).items():
                shown = f"{value:.2%}" if panel.unit == "percentunit" else f"{value:,.0f}"
                said.append(f"{panel.title}, {query.named(dict(labels))}: {shown}")
    return "\n".join("   ·   ".join(said[first : first + 3]) for first in range(0, len(said), 3))


def _graph(panel: Panel, axes: Axes, prometheus: Prometheus, start: float, end: float) -> None:
    step = max(1.0, round((end - start) / 200))
    drawn = 0
    for query in panel.queries:
        for labels, points in prometheus.series(expanded(query.expression, WINDOW), start, end, step):
            times = [(time - start) / 60 for time, _ in points]
            (line,) = axes.plot(times, [value for _, value in points], label=query.named(labels), linewidth=1.3)
            line.set(color=PALETTE[drawn % len(PALETTE)], linestyle=DASHES[drawn // len(PALETTE) % len(DASHES)])
            drawn += 1
    axes.set_title(panel.title, fontsize=10, loc="left")
    axes.set(xlim=(0, (end - start) / 60), ylim=(0, None), ylabel=UNITS[panel.unit])
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda minutes, _: f"{minutes:g} min"))
    axes.tick_params(labelsize=8)
    axes.yaxis.label.set_fontsize(8)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if drawn:
        axes.legend(
            fontsize=6.5, loc="upper left", bbox_to_anchor=(1, 1), frameon=False, ncols=math.ceil(drawn / LINES)
        )
