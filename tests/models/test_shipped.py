"""What comes along is found by name, by path and by task."""

from __future__ import annotations

from pathlib import Path

from models import shipped


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
