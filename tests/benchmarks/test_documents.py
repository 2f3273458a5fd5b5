"""Row 4: what benchmarks/bulk.py found, as lines, and our faster model held against fastText's speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import documents
from benchmarks.contest import Bench
from benchmarks.table import Line, Target

FAST: dict[str, Any] = {"documents": 9, "what": "fastText", "accuracy": 0.9, "documents/s": 100.0, "lowest": 90.0,
                        "highest": 110.0, "of fastText": 1.0, "MB/s": 1.0}  # fmt: skip


def test_its_lines_and_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = [
        {**FAST, "what": "sentiment-gru", "accuracy": 0.92, "of fastText": 0.4},
        {**FAST, "what": "sentiment-conv1d", "accuracy": 0.89, "of fastText": 0.9},
    ]
    wrong = {"documents": 9, "what": "tf-idf, LR: WRONG, differs by 1.0e-01 from one by one", "accuracy": 0.5}
    monkeypatch.setattr(documents, "measured", lambda name, *_: [FAST, *ours, wrong] if name == "aclimdb" else [FAST])
    found = list(documents.rows(Bench(0, 1, 1, Path(), Path())))
    lines = {line.name: line for line in found if isinstance(line, Line) and "aclimdb" in line.row}
    assert lines["fastText"].figures["documents/s"] == (100, 90, 110)
    assert not lines["fastText"].ours
    assert lines["sentiment-gru"].ours
    assert lines["tf-idf, LR"].wrong.startswith("differs by 1.0e-01")
    targets = {target.what: target for target in found if isinstance(target, Target)}
    assert {what: target.met for what, target in targets.items()} == {
        "sentiment-conv1d beside fastText": False,
        "sentiment-conv1d, accuracy above fastText's": False,
        "sentiment-gru beside fastText": True,
        "sentiment-gru, accuracy above fastText's": True,
    }


def test_without_the_data_sets_there_is_none() -> None:
    assert list(documents.rows(Bench(0, 1, 1, Path()))) == []
