"""The learning curve as a table that can be watched while training goes on.

[{epoch, train_loss, validation_loss, …, cpu_seconds, wall_seconds, peak_mb}, …] --write--> learning_curve.csv
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

FILE: Final = "learning_curve.csv"


def write(curve: Sequence[dict[str, float]], folder: Path) -> None:
    """One line per epoch so far, under a line of names. All of it each time: so a resumed training has its whole
    curve, and one that begins again in the same folder has nothing of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, curve[0].keys())
        writer.writeheader()
        writer.writerows({name: int(v) if name == "epoch" else f"{v:.6g}" for name, v in row.items()} for row in curve)
