"""The rows of a comparison for people: lines, CSV, and a picture.

rows --lines--> a table per test, --write--> comparison.csv, comparison-<test>.png
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from training import columns
from training.compare import SHIPPED
from training.picture import save
from training.rows import Row

COLUMNS: Final = {
    "row": "{}",
    "parameters": "{:,}",
    "beside_tables": "{:,}",
    "bytes": "{:,}",
    "refused": "{:.1%}",
    "accuracy": "{:.2%}",
    "roc_auc": "{:.4f}",
    "calibration_error": "{:.4f}",
    "after_half": "{:.2%}",
    "erde_5": "{:.4f}",
    "erde_50": "{:.4f}",
    "harmonic_mean": "{:.3f}",
    "training_seconds": "{:,.0f}",
    "sentences_per_second": "{:,.0f}",
}
"""What stands in a line, and how."""
_BESIDE: Final = {
    "roc_auc": ("ROC AUC", "linear"),
    "calibration_error": ("calibration error", "linear"),
    "erde_50": ("ERDE-50", "linear"),
    "bytes": ("bytes", "log"),
    "training_seconds": ("training, s", "log"),
    "sentences_per_second": ("sentences / s", "log"),
}
"""What the picture has a column of dots for, beside accuracy, and on which scale."""
_COLOURS: Final = {"shipped": "#d55e00", "a family": "#0072b2", "what a user would pick instead": "#666666"}
_SECONDS: Final = (
    "training_seconds: of the processor, from texts to what predicts; without those of a transformer that teaches, "
    "whose hour counts in no row"
)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """What is counted, and a table per test, the most accurate row first."""
    yield _SECONDS
    for test in dict.fromkeys(row["test"] for row in rows):
        found = [row for row in rows if row["test"] == test]
        yield f"\n{test}: {max(row['documents'] for row in found):,} documents"
        yield from columns.lines(COLUMNS, _ranked(found))


def write(rows: Sequence[Row], folder: Path) -> list[Path]:
    """The files that were written: one CSV of all rows, and a picture per test."""
    written = [folder / "comparison.csv"]
    columns.write(written[0], ["test", "documents", *COLUMNS], rows)
    for test in dict.fromkeys(row["test"] for row in rows):
        written.append(folder / f"comparison-{test.replace(' ', '-')}.png")
        _draw(_ranked([row for row in rows if row["test"] == test]), test, written[-1])
    return written


def _draw(rows: Sequence[Row], test: str, path: Path) -> None:
    """A line per row: accuracy after half of the sentences and after all; and dots for every other figure."""
    figure = Figure(figsize=(15, 0.24 * len(rows) + 1.4), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(_BESIDE), sharey=True, width_ratios=[3, *[1] * len(_BESIDE)])
    for place, row in enumerate(rows):
        colour = _COLOURS[_kind(row)]
        if (half := row["after_half"]) is not None:
            first.plot([100 * half, 100 * row["accuracy"]], [place, place], color=colour, linewidth=1.2)
            first.plot(100 * half, place, marker="o", markersize=4, color="white", markeredgecolor=colour)
        first.plot(100 * row["accuracy"], place, marker="o", markersize=5, color=colour)
        for axes, column in zip(others, _BESIDE, strict=True):
            if (value := row.get(column)) is not None:
                axes.plot(value, place, marker="o", markersize=4, color=colour)
    for axes, (column, (name, scale)) in zip(others, _BESIDE.items(), strict=True):
        axes.set_xlabel(name, fontsize=9)
        if any(row.get(column) is not None for row in rows):
            axes.set_xscale(scale)
            axes.xaxis.set_minor_formatter(NullFormatter())
    first.set_xlabel("accuracy, %: ○ after half of the sentences, ● after all", fontsize=9)
    first.set(yticks=range(len(rows)), yticklabels=[row["row"] for row in rows])
    for axes in (first, *others):
        axes.tick_params(labelsize=8)
        axes.tick_params(axis="y", length=0)
        axes.grid(alpha=0.3)
    first.set_ylim(len(rows) - 0.5, -0.5)
    kinds = [Line2D([], [], marker="o", linestyle="", color=colour, label=kind) for kind, colour in _COLOURS.items()]
    first.legend(handles=kinds, loc="upper left", fontsize=8)
    figure.suptitle(test, fontsize=11)
    save(figure, path)


def _kind(row: Row) -> str:
    if row["row"].startswith(SHIPPED):
        return "shipped"
    return "what a user would pick instead" if row.get("parameters") is None else "a family"


def _ranked(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row["accuracy"])
