"""Row 4: everything is right before it is fast, and our faster model is held against fastText's speed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks import bulk
from benchmarks.contest import Bench
from benchmarks.table import Found, Line, Spread
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


def test_a_line_each_and_where_the_time_of_ours_goes(data_dir: Path) -> None:
    lines = bulk.measured("aclimdb", data_dir, number=20, rounds=1)
    assert [(line.name, line.ours) for line in lines[:4]] == [
        ("fastText", False), ("tf-idf, LR", False), ("sentiment-conv1d", True), ("sentiment-gru", True),
    ]  # fmt: skip
    assert all(line.figures["documents/s"].median > 0 and line.figures["accuracy %"].median > 40 for line in lines[:4])
    assert lines[0].figures["of fastText"] == (1, 1, 1)
    assert lines[0].row.startswith("4 aclimdb: 20 of the 60 documents")
    right = lines[0].figures["accuracy %"].median / 100
    assert lines[0].figures["its standard error"].median == pytest.approx(100 * (right * (1 - right) / 20) ** 0.5)
    assert [line.name for line in lines[4:]] == ["sentiment-conv1d", "sentiment-gru"]
    assert all(list(line.figures) == list(bulk.STAGES.values()) for line in lines[4:])
    assert all(spread.median > 0 for line in lines[4:] for spread in line.figures.values())


def test_what_differs_from_one_by_one_is_not_timed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "difference", lambda *_: 2e-5)
    lines = bulk.measured("aclimdb", data_dir, number=10, rounds=1)
    wrong = {line.name: line.wrong for line in lines}
    assert wrong["sentiment-gru"] == wrong["sentiment-conv1d"] == "differs by 2.0e-05 from one by one"
    assert {line.name for line in lines if line.figures} == {"fastText", "tf-idf, LR"}
    assert list(bulk.targets(lines)) == []


def test_the_targets_of_both_models() -> None:
    def line(name: str, ratio: float, accuracy: float) -> Line:
        figures = {"of fastText": Spread.of([ratio]), "accuracy %": Spread.of([accuracy])}
        return Line("4", name, figures, ours=name != "fastText")

    lines = [line("fastText", 1, 90), line("sentiment-gru", 0.4, 92), line("sentiment-conv1d", 0.9, 89)]
    targets = {target.what: target for target in bulk.targets(lines)}
    assert {what: target.met for what, target in targets.items()} == {
        "sentiment-conv1d beside fastText": False,
        "sentiment-conv1d, accuracy above fastText's": False,
        "sentiment-gru beside fastText": True,
        "sentiment-gru, accuracy above fastText's": True,
    }


def test_without_the_data_sets_the_row_says_so() -> None:
    found = Found({})
    found.add(bulk.rows(Bench(0, 1, 1, Path())))
    assert "4 documents\n  all of it  not measured, nor its targets: wants --data-dir" in found.text()


def test_parts_come_together_in_order() -> None:
    texts = [str(i) for i in range(7)]
    with Workers({"number": lambda of: [float(text) for text in of]}, texts, [0, 0]) as workers:
        assert workers.run("number", 1)[1] == workers.run("number", 2)[1] == list(map(float, range(7)))
