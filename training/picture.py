"""What a report tells, as pictures.

[{epoch, train_loss, validation_loss, …}, …] --learning_curve--> learning_curve.png
{test: {earliness: {sentences, share}}}      --earliness-------> earliness.png
{test: {calibration_error: {prefix: bins}}}  --reliability-----> reliability.png
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator


def learning_curve(curve: Sequence[dict[str, float]], path: Path) -> None:
    """Losses on the left, accuracies on validation on the right, against the epoch."""
    epochs = [entry["epoch"] for entry in curve]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    for name, label in (("train_loss", "training"), ("validation_loss", "validation")):
        losses.plot(epochs, [entry[name] for entry in curve], marker="o", label=label)
    for name, label in (
        ("validation_accuracy", "after the last sentence"),
        ("validation_running_accuracy", "over all sentences"),
    ):
        accuracies.plot(epochs, [entry[name] for entry in curve], marker="o", label=label)
    for axes, title in ((losses, "Loss"), (accuracies, "Accuracy on validation")):
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    save(figure, path)


def earliness(rows: Mapping[str, dict[str, Any]], path: Path) -> None:
    """The error rate of each row (a name, and its earliness) against the sentences and the share that were read."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    by_number, by_share = figure.subplots(1, 2, sharey=True)
    for name, found in rows.items():
        style = {"marker": "o", "markersize": 3.5, "label": name}
        for axes, kind in ((by_number, "sentences"), (by_share, "share")):
            read = [key for key in in_order(found[kind]) if key != "0"]
            places = [float(key.rstrip("%")) for key in read]
            axes.plot(places, [100 * (1 - found[kind][key]) for key in read], **style)
    by_number.set(xscale="log", xticks=[1, 2, 3, 5, 8, 13, 21, 34], xlabel="sentences read, or all of a shorter text")
    by_number.set_xticklabels(["1", "2", "3", "5", "8", "13", "21", "34"])
    by_number.minorticks_off()
    by_number.set(ylabel="error rate, %", ylim=(0, None))
    by_share.set(xlabel="share of the sentences read, %")
    for axes in (by_number, by_share):
        axes.grid(alpha=0.3)
    by_share.legend(fontsize=8)
    save(figure, path)


def reliability(tests: Mapping[str, dict[str, Any]], path: Path) -> None:
    """A diagram per test and prefix: how often what was claimed came true, in bins of equal mass."""
    columns = in_order({read for errors in tests.values() for read in errors})
    size = (1.5 * len(columns) + 0.5, 1.6 * len(tests) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(tests), len(columns), sharex=True, sharey=True, squeeze=False)
    for line, (name, errors) in zip(grid, tests.items(), strict=True):
        for axes, read in zip(line, columns, strict=True):
            axes.plot([0, 1], [0, 1], color="gray", linewidth=0.8, linestyle=":")
            if read in errors:
                axes.plot(errors[read]["claimed"], errors[read]["right"], marker="o", markersize=3)
                axes.set_title(f"{read}: {errors[read]['error']:.3f}", fontsize=9)
            axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 1], yticks=[0, 1], aspect="equal")
        line[0].set_ylabel(name, fontsize=8)
    figure.supxlabel("claimed; above each: sentences read, expected calibration error", fontsize=9)
    figure.supylabel("came true", fontsize=9)
    save(figure, path)


def in_order(read: Iterable[str]) -> list[str]:
    """Numbers of sentences or shares as numbers go, and the end last.

    >>> in_order(["1", "13", "2", "end"]), in_order(["10%", "100%", "25%"])
    (['1', '2', '13', 'end'], ['10%', '25%', '100%'])
    """
    return sorted(read, key=lambda key: float("inf") if key == "end" else float(key.rstrip("%")))


def save(figure: Figure, path: Path) -> None:
    """Writes a picture."""
    # Without a date or a version in it, the same figures give the same bytes.
    figure.savefig(path, dpi=80, metadata={"Software": None})
