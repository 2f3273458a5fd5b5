"""docs/families.md has a line for everything that `compare` compares."""

from __future__ import annotations

from pathlib import Path

from models.shipped import DEFAULTS
from training.baselines import baselines
from training.compare import recipes

PAGE = Path(__file__).parents[2] / "docs" / "families.md"


def test_the_page_of_families_has_every_row() -> None:
    first = {line.split("  ")[0].rstrip() for line in PAGE.read_text("utf-8").splitlines()}
    rows = recipes("sentiment")
    shipped = {f"shipped: {name}" for name in DEFAULTS if name.startswith("sentiment-")}
    assert {*rows, *baselines(next(iter(rows.values())).labels)} | shipped <= first
