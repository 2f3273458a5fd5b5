"""The learning curve as a picture.

[{epoch, train_loss, validation_loss, …}, …] --Figure--> learning_curve.png
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
    # Without a date or a version in it, the same curve gives the same bytes.
    figure.savefig(path, dpi=80, metadata={"Software": None})
