"""The benchmark of many documents compares with one by one before it times, on as many processes as it says."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import bulk
from benchmarks.report import bars, save, table
from benchmarks.workers import Workers


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "aclimdb").mkdir()
    for file in ("train", "test"):
        with gzip.open(tmp_path / "aclimdb" / f"{file}.jsonl.gz", "wt") as lines:
            for i in range(60):
                said = ("I loved it, what a film!", "I hated it. What a waste.")[i % 2]
                row = {
                    "id": f"{file}{i}",
                    "text": f"Film {file} number {i}. {said}",
                    "label": 1 - i % 2,
                    "movie": f"m{i}",
                }
                lines.write(json.dumps(row) + "\n")
    return tmp_path


def test_everything_is_right_before_it_is_fast(data_dir: Path, tmp_path: Path) -> None:
    rows = bulk.measured("aclimdb", data_dir, number=20, rounds=1)
    assert [row["what"] for row in rows] == ["fastText", "tf-idf, LR", "sentiment-conv1d", "sentiment-gru"]
    assert all(row["documents/s"] > 0 and row["accuracy"] > 0.4 for row in rows)
    assert rows[0]["of fastText"] == 1
    assert all(set(bulk.STAGES) <= set(row) for row in rows[2:])
    assert len(list(table(rows, bulk.COLUMNS))) == 5
    save(tmp_path / "bulk.json", {"date": "today"}, rows)
    assert json.loads((tmp_path / "bulk.json").read_text())["rows"] == rows
    bars(
        tmp_path / "bulk.png",
        "title",
        "documents/s",
        {"aclimdb": [(r["what"], {**r, "rate": r["documents/s"]}) for r in rows]},
    )
    assert (tmp_path / "bulk.png").stat().st_size > 1000


def test_what_differs_from_one_by_one_is_not_timed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "difference", lambda *_: 2e-5)
    rows = bulk.measured("aclimdb", data_dir, number=10, rounds=1)
    assert ["WRONG" in row["what"] for row in rows] == [False, False, True, True]
    assert ["documents/s" in row for row in rows] == [True, True, False, False]


def test_parts_come_together_in_order() -> None:
    texts = [str(i) for i in range(7)]
    with Workers({"number": lambda of: [float(text) for text in of]}, texts, [0, 0]) as workers:
        assert workers.run("number", 1)[1] == workers.run("number", 2)[1] == list(map(float, range(7)))
