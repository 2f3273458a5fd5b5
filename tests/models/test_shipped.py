"""What comes along is found by name, by path and by task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from models import shipped
from models.artefact import REPORT, digest

MOST_BYTES: Final = 10_000_000
LEAST: Final = {"sentiment-gru": {"aclimdb": 0.925}, "sentiment-conv1d": {"aclimdb": 0.915}}
"""Accuracy on a test. The spam models miss what they were asked for, as README.md and training/LOG.md say."""


def test_the_defaults_come_along_and_each_task_has_a_first_one() -> None:
    assert set(shipped.DEFAULTS) <= set(shipped.names())
    assert shipped.first("spam") == "spam-gru"
    assert shipped.first("spam", ["sentiment-gru", "spam-conv1d"]) == "spam-conv1d"
    assert shipped.first("span") is None


def test_a_path_is_a_path_and_a_name_a_shipped_model(tmp_path: Path) -> None:
    assert shipped.folder("spam-gru") == shipped.PRETRAINED / "spam-gru"
    assert shipped.folder(str(tmp_path)) == tmp_path
    (tmp_path / "config.toml").write_text("task = ")
    assert shipped.task_of(str(tmp_path)) is None


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_what_comes_along_is_small(name: str) -> None:
    assert sum(path.stat().st_size for path in shipped.folder(name).iterdir()) <= MOST_BYTES


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_what_comes_along_is_as_accurate_as_was_asked(name: str) -> None:
    report = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))
    assert report["digest"] == digest(shipped.folder(name)), "the report is that of other weights"
    for test, least in LEAST.get(name, {}).items():
        assert report["test"][test]["accuracy"] >= least, f"training/recipes/{name}.toml has to do better on {test}"
