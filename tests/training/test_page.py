"""docs/families.md has a line for everything that `compare` compares, and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.shipped import DEFAULTS
from training.baselines import baselines
from training.compare import TASKS, recipes

PAGE = Path(__file__).parents[2] / "docs" / "families.md"


@pytest.mark.parametrize("task", TASKS)
def test_the_page_of_families_has_every_row(task: str) -> None:
    text = PAGE.read_text("utf-8").split(f"\n## {task.capitalize()}\n")[1].split("\n## ")[0]
    rows = recipes(task)
    of = next(iter(rows.values()))
    shipped = {f"shipped: {name}" for name in DEFAULTS if name.startswith(f"{task}-")}
    tables = text.split(" documents\n")[1:]
    assert tables
    for table in tables:
        first = {line.split("  ")[0].rstrip() for line in table.splitlines()}
        assert {*rows, *baselines(of.labels, of.sets)} | shipped <= first
    for picture in text.split("](")[1:]:
        assert (PAGE.parent / picture.split(")")[0]).is_file()
