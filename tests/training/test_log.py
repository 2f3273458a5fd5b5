"""The table of the learning curve is there after every epoch, and goes on where a cut training goes on."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.training.test_loop import RECIPE, fit
from training import checkpoint, log


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / log.FILE).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_grows_by_a_line_per_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[int] = []
    real = checkpoint.save

    def counted(folder: Path, *arguments: object) -> None:
        lines.append(len(table(folder)) if (folder / log.FILE).exists() else 0)
        real(folder, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(checkpoint, "save", counted)
    fit(RECIPE, tmp_path)
    assert lines == [0, 1, 2, 3]
    assert len(table(tmp_path)) == 4


def test_it_has_the_figures_of_the_curve(tmp_path: Path) -> None:
    _, curve = fit(RECIPE, tmp_path)
    rows = table(tmp_path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for row, entry in zip(rows, curve, strict=True):
        assert list(row) == [
            "epoch",
            "train_loss",
            "validation_loss",
            "validation_accuracy",
            "validation_running_accuracy",
            "cpu_seconds",
            "wall_seconds",
            "peak_mb",
        ]
        assert float(row["train_loss"]) == pytest.approx(entry["train_loss"], rel=1e-5)
        assert float(row["cpu_seconds"]) > 0
        assert float(row["wall_seconds"]) > 0
        assert 50 < float(row["peak_mb"]) < 50_000


def test_an_artefact_has_it_beside_the_picture(trained: Path) -> None:
    assert len(table(trained)) == 4
    assert (trained / "learning_curve.png").is_file()
