"""A draft that is cut leaves what was there; one that is finished takes its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.draft import draft


def test_what_is_there_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    for text in ("first", "second"):
        with draft(path) as part:
            part.write_text(text)
    with pytest.raises(KeyboardInterrupt):
        _cut(path)
    assert path.read_text() == "second"


def _cut(path: Path) -> None:
    with draft(path) as part:
        part.write_text("thi")
        raise KeyboardInterrupt
