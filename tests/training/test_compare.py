"""One table of families, baselines and what is shipped: made once, gone on with, and read by people."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from models.families import FAMILIES
from training import compare, overview
from training.__main__ import main
from training.compare import recipes

RECIPES = """
[common]
words = 200
epochs = 3
batch = 4
rate = 0.02

[tasks.sentiment]
task = "sentiment"
sets = ["aclimdb"]

[sizes.recurrent]
embedding = 8
hidden = 8

[rows]
"GRU" = { family = "gru" }
"forest" = { family = "forest", sizes = { trees = 20, depth = 4 } }
"flattened" = { family = "flattened", sizes = { max_tokens = 17 } }
"""
BASELINES = {
    "bag of words, logistic regression",
    "NB-weighted logistic regression, uni- and bigrams",
    "fastText, uni- and bigrams",
    "PySS3",
}


@pytest.fixture
def small(tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three rows, and one shipped model; where their recipes are."""
    (tmp_path / "comparison.toml").write_text(RECIPES)
    monkeypatch.setattr(compare, "RECIPES", tmp_path / "comparison.toml")
    shutil.copytree(trained, tmp_path / "shipped" / "sentiment-gru")
    monkeypatch.setattr(compare, "PRETRAINED", tmp_path / "shipped")
    return tmp_path / "comparison.toml"


def rows(data_dir: Path, output: Path, minutes: float = 0.0) -> dict[str, dict[str, Any]]:
    found = compare.compare("sentiment", data_dir, output, torch.device("cpu"), minutes)
    return {row["row"]: row for row in found}


def never(*_: Any, **__: Any) -> None:
    raise AssertionError("made again")


@pytest.mark.parametrize("task", ["sentiment", "spam"])
def test_every_family_has_a_row_within_its_time(task: str) -> None:
    found = recipes(task)
    assert {recipe.family for recipe in found.values()} == FAMILIES.keys()
    assert {recipe.minutes for recipe in found.values()} == {10}
    assert {recipe.loss for recipe in found.values()} == {"sum", "mean", "rising", "last"}
    assert {recipe.sizes["mode"] for recipe in found.values() if recipe.family == "bow"} == {
        "binary",
        "count",
        "freq",
        "tfidf",
    }
    for family in ("rnn", "lstm", "gru"):
        stacks = [
            r.sizes.get("layers", 1) for r in found.values() if r.family == family and "connection" not in r.sizes
        ]
        assert {1, 2, 3, 4} <= set(stacks)
        assert any(r.sizes.get("layer_norm") for r in found.values() if r.family == family)


def test_rows_are_made_once(small: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = rows(data_dir, tmp_path / "out")
    assert first.keys() == {"GRU", "forest", "flattened", "shipped: sentiment-gru"} | BASELINES
    for name, row in first.items():
        assert row["accuracy"] >= 0.5, name
        assert row["sentences_per_second"] > 0
        if name not in BASELINES - {"PySS3"}:
            assert row["after_half"] is not None
            assert row["erde_5"] is not None
        if name not in BASELINES:
            assert row["parameters"] > 0
            assert row["bytes"] > 0
            assert row["training_seconds"] > 0
    assert 0 < first["flattened"]["refused"] < 1
    assert first["flattened"]["documents"] < first["GRU"]["documents"] == 40
    monkeypatch.setattr(compare, "train", never)
    monkeypatch.setattr(compare, "score", never)
    assert rows(data_dir, tmp_path / "out") == first
    small.write_text(RECIPES.replace('"gru" }', '"gru", seed = 5 }'))
    with pytest.raises(AssertionError, match="made again"):
        rows(data_dir, tmp_path / "out")


def test_without_time_no_row_is_begun(small: Path, data_dir: Path, tmp_path: Path) -> None:
    assert rows(data_dir, tmp_path / "out", minutes=1e-9) == {}


def test_the_command_prints_and_writes(
    small: Path, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", "--data-dir", str(data_dir), "--output", str(tmp_path / "out"), "--device", "cpu"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    head = next(line for line in printed if line.startswith("row "))
    assert head.split() == list(overview.COLUMNS)
    table = printed[printed.index(head) + 1 :]
    assert len(table) == 8
    accuracies = [float(line.split("%")[0].split()[-1]) for line in table if not line.startswith("flattened")]
    assert accuracies == sorted(accuracies, reverse=True)
    with (tmp_path / "out" / "sentiment" / "comparison.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["row"] for row in written if row["refused"] not in ("", "0.0")] == ["flattened"]
    assert (tmp_path / "out" / "sentiment" / "comparison-aclimdb.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((tmp_path / "out" / "sentiment" / "gru" / "row.json").read_text())
    assert kept["rows"][0]["test"] == "aclimdb"
