"""A set left out is the test, whole, and nothing of it is learnt from; the interval is that of paired draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.training import toy
from training.__main__ import main
from training.documents import Document, key
from training.leave_out import NEGATIVES, difference, recall, row, without
from training.publishers import write
from training.recipe import load
from training.score import Scores


def two_sets(data_dir: Path) -> Path:
    """The films, and sentences of critics whose first is one of the films' texts."""
    toy.films(data_dir)
    told = [toy.rows("train")[0]["text"], *(f"{toy.GOOD[i % 4]} {i}" for i in range(30))]
    told += [f"{toy.BAD[i % 4]} {i}" for i in range(30)]
    rows = [{"id": str(i), "text": text, "label": int(0 < i <= 30)} for i, text in enumerate(told)]
    write(data_dir / "rt_polarity" / "all.jsonl.gz", rows)
    return data_dir


def test_what_is_left_out_is_seen_by_nobody(tmp_path: Path) -> None:
    chosen = load(toy.recipe(tmp_path), ['sets=["aclimdb", "rt_polarity"]'])
    same = Document("1", "A film.", 1, "aclimdb/train")
    documents = [Document(f"a{i}", f"One {i}.", i % 2, "aclimdb/train", f"film {i}") for i in range(40)] + [same]
    documents += [Document(f"r{i}", f"Two {i}.", i % 2, "rt_polarity/all") for i in range(40)]
    documents += [same._replace(group="rt_polarity/all")]
    splits = without(chosen, documents, "rt_polarity", tmp_path)
    assert {d.set for d in splits.train + splits.validation} == {"aclimdb"}
    assert len(splits.tests["rt_polarity"]) == 41
    assert key(same.text) not in {key(d.text) for d in splits.train + splits.validation}
    assert len(splits.train + splits.validation) == 40
    assert len(splits.validation) > 0


def test_a_row_for_each_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, data_dir = toy.recipe(tmp_path), str(two_sets(tmp_path / "data"))
    overrides = ['sets=["aclimdb", "rt_polarity"]', "epochs=2"]
    assert main(["leave-out", str(path), *overrides, "--data-dir", data_dir, "--output", str(tmp_path / "out")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    found = {line[0]: line for line in lines if line and line[0] in ("aclimdb", "rt_polarity")}
    assert len(found) == 2
    assert float(found["rt_polarity"][2]) > 0.8
    assert (tmp_path / "out" / "aclimdb" / "weights.safetensors").is_file()


def test_the_interval_holds_the_difference_and_knows_which_is_better() -> None:
    chance = np.random.default_rng(2)
    labels = chance.integers(0, 2, 1000)
    good, poor = labels + chance.normal(0, 0.7, 1000), labels + chance.normal(0, 2, 1000)
    low, high = difference(labels, good, poor)
    assert 0 < low < high < 0.5
    assert difference(labels, poor, good) == pytest.approx((-high, -low))
    assert difference(labels, good, good) == (0, 0)


def test_recalls_are_told_where_there_are_negatives_enough() -> None:
    labels = np.repeat([0, 1], [NEGATIVES, 4])
    positive = np.concatenate([np.linspace(0, 0.9, NEGATIVES), [0.1, 0.8956, 0.95, 1.0]])
    assert recall(labels, positive) == 0.75  # ten of 2,000 may be wrong
    scores = Scores(labels, [np.array([[0.5, 0.5], [1 - p, p]]) for p in positive])
    assert row("all", scores, scores)[-1] == "75.00%"
    assert row("fewer", scores.of(range(1, NEGATIVES + 4)), scores.of(range(1, NEGATIVES + 4)))[-1] == ""
