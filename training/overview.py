"""The rows of a comparison for people: lines, CSV, and a picture.

rows --lines--> a table per test, --write--> comparison.csv, comparison-<test>.png
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from training import columns
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
    """Accuracy after half of the sentences and after all, a line per row; the figures that people ask for beside it."""
    figure = Figure(figsize=(11, 0.26 * len(rows) + 1.2), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        end, half = 100 * row["accuracy"], row["after_half"]
        if half is not None:
            axes.plot([100 * half, end], [place, place], color="#0072b2", linewidth=1.2)
            axes.plot(100 * half, place, marker="o", markersize=4, color="white", markeredgecolor="#0072b2")
        axes.plot(end, place, marker="o", markersize=5, color="#0072b2")
    labels = [f"{row['row']}  ({columns.cell(COLUMNS, 'parameters', row) or '–'})" for row in rows]
    axes.set(
        yticks=range(len(rows)), yticklabels=labels, xlabel="accuracy, %: ○ after half of the sentences, ● after all"
    )
    axes.set_title(f"{test}; in brackets the number of parameters", fontsize=10)
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.grid(axis="x", alpha=0.3)
    axes.invert_yaxis()
    save(figure, path)


def _ranked(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: -row["accuracy"])
