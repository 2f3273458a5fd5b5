"""One table of families, baselines and what is shipped: made once, gone on with, and read by people."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models.artefact import load
from models.conv1d import Conv1D
from models.families import FAMILIES
from tests.training import toy
from tests.training.once import never
from training import commands, compare, cost, overview
from training.__main__ import main
from training.baselines import BAG, linear
from training.compare import recipes
from training.corpus import sentences
from training.documents import Document

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


Rows = dict[str, dict[str, Any]]


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the three recipes are that stand for all of them; nothing is shipped."""
    (tmp_path / "comparison.toml").write_text(RECIPES)
    monkeypatch.setattr(compare, "RECIPES", tmp_path / "comparison.toml")
    monkeypatch.setattr(compare, "PRETRAINED", tmp_path)
    return tmp_path / "comparison.toml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, trained: Path, data_dir: Path) -> Iterator[Path]:
    """The output of one comparison: three rows, the baselines, and one shipped model."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "comparison.toml").write_text(RECIPES)
    shutil.copytree(trained, folder / "shipped" / "sentiment-gru")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "RECIPES", folder / "comparison.toml")
        patch.setattr(compare, "PRETRAINED", folder / "shipped")
        printed = io.StringIO()
        with redirect_stdout(printed):
            arguments = ["compare", "--task", "sentiment", "--data-dir", str(data_dir), "--device", "cpu"]
            assert main([*arguments, "--output", str(folder / "out")]) == 0
        (folder / "printed.txt").write_text(printed.getvalue())
        yield folder


def rows(data_dir: Path, output: Path, minutes: float = 0.0) -> Rows:
    found = compare.compare("sentiment", data_dir, output, torch.device("cpu"), minutes)
    return {row["row"]: row for row in found}


@pytest.mark.parametrize("task", ["sentiment", "spam"])
def test_every_family_has_a_row_within_its_time(task: str) -> None:
    found = recipes(task)
    assert {recipe.family for recipe in found.values()} == FAMILIES.keys()
    assert {recipe.minutes for recipe in found.values()} == {10}
    assert {recipe.loss for recipe in found.values()} == {"sum", "mean", "rising", "last"}
    modes = {(recipe.family, recipe.sizes["mode"]) for recipe in found.values() if recipe.family in ("bow", "forest")}
    of_bow = {("bow", mode) for mode in ("binary", "count", "freq", "tfidf")}
    assert modes == of_bow | {("forest", "binary"), ("forest", "count")}
    for family in ("rnn", "lstm", "gru"):
        stacks = [
            r.sizes.get("layers", 1) for r in found.values() if r.family == family and "connection" not in r.sizes
        ]
        assert {1, 2, 3, 4} <= set(stacks)
        assert any(r.sizes.get("layer_norm") for r in found.values() if r.family == family)


def test_rows_are_made_once(made: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("train", "score", "figures"):
        monkeypatch.setattr(compare, name, never)
    found = rows(data_dir, made / "out")
    assert found.keys() == {"GRU", "forest", "flattened", "shipped: sentiment-gru"} | BASELINES
    for name, row in found.items():
        assert row["accuracy"] >= 0.5, name
        assert row["sentences_per_second"] > 0
        if name not in BASELINES - {"PySS3"}:
            assert row["after_half"] is not None
            assert row["erde_5"] is not None
        if name not in BASELINES:
            assert row["parameters"] >= row["beside_tables"] >= 0
            assert row["bytes"] > 0
            assert row["training_seconds"] > 0
    assert 0 < found["flattened"]["refused"] < 1
    assert found["flattened"]["documents"] < found["GRU"]["documents"] == 40


def test_what_others_are_held_against_comes_first(made: Path, data_dir: Path) -> None:
    names = list(rows(data_dir, made / "out"))
    assert set(names[:5]) == {*BASELINES, "shipped: sentiment-gru"}


def test_seconds_are_counted_from_the_texts_on_as_for_the_baselines(made: Path, data_dir: Path) -> None:
    found = rows(data_dir, made / "out")
    folders = {"GRU": made / "out" / "sentiment" / "gru", "shipped: sentiment-gru": made / "shipped" / "sentiment-gru"}
    for name, folder in folders.items():
        report = json.loads((folder / "report.json").read_text())
        assert found[name]["training_seconds"] == report["spent"]["cpu_seconds"]
        assert report["spent"]["cpu_seconds"] > sum(entry["cpu_seconds"] for entry in report["learning_curve"])


def test_speed_is_told_from_texts_on_for_all(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline is handed texts, so cutting them into sentences is part of what ours takes."""
    documents = [Document(str(n), f"One sentence. Another one {n}. A third.", n % 2, "aclimdb/test") for n in range(40)]
    read = compare._reader(load(trained), torch.device("cpu"))

    def slow(documents: Sequence[Document], language: str = "en") -> list[list[str]]:
        began = cost.processor()
        while cost.processor() < began + 0.1:
            pass
        return sentences(documents, language)

    assert compare._speed(read, documents) > 120 / 0.1
    monkeypatch.setattr(compare, "sentences", slow)
    assert compare._speed(read, documents) < 120 / 0.1


@pytest.mark.parametrize(
    ("branches", "of_convolutions"), [("inception", 48_150), ("stacked", 51_600), ("residual", 51_600)]
)
def test_the_weights_of_convolutions_are_told_apart_from_embeddings(branches: Any, of_convolutions: int) -> None:
    """Fifty filters over embeddings of 64: stacks of 3 have more of them, not fewer. The linear readout has 302."""
    model = Conv1D(words=9, classes=2, branches=branches, embedding=64, filters=50)
    assert compare._beside_tables(model) == of_convolutions + 3 * 50 * 2 + 2
    assert sum(p.numel() for p in model.parameters()) == of_convolutions + 302 + 10 * 64


def test_another_recipe_is_another_row(made: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made / "other.toml").write_text(RECIPES.replace('"gru" }', '"gru", seed = 5 }'))
    monkeypatch.setattr(compare, "RECIPES", made / "other.toml")
    monkeypatch.setattr(compare, "train", never)
    with pytest.raises(AssertionError, match="made again"):
        rows(data_dir, made / "out")


def test_without_time_no_row_is_begun(small: Path, data_dir: Path, tmp_path: Path) -> None:
    assert rows(data_dir, tmp_path / "out", minutes=1e-9) == {}


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a comparison of a forest in both tasks, beside a bag of words."""
    (tmp_path / "both.toml").write_text(
        RECIPES[: RECIPES.index("[sizes")]
        + '[tasks.spam]\ntask = "spam"\nsets = ["sms_spam_collection"]\n[sizes.recurrent]\n[rows]\n'
        + next(line for line in RECIPES.splitlines() if line.startswith('"forest"'))
    )
    monkeypatch.setattr(compare, "RECIPES", tmp_path / "both.toml")
    monkeypatch.setattr(compare, "PRETRAINED", tmp_path)
    monkeypatch.setattr(compare, "baselines", lambda *_: {BAG: partial(linear, 1)})
    data_dir = toy.messages(toy.films(tmp_path / "data"))
    return ["compare", "--data-dir", str(data_dir), "--output", str(tmp_path / "out"), "--device", "cpu"]


def test_without_a_task_both_are_compared(both: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(both) == 0
    printed = capsys.readouterr().out
    assert printed.index("aclimdb: 40 documents") < printed.index("sms_spam_collection: ")
    assert printed.count("training_seconds: of the processor") == 2
    for task in ("sentiment", "spam"):
        with (tmp_path / "out" / task / "comparison.csv").open(newline="") as file:
            assert {row["row"] for row in csv.DictReader(file)} == {"forest", BAG}


def test_both_tasks_share_the_time(both: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []

    def told(*of: Any) -> Iterator[Any]:
        given.append(of[-1])
        return iter(())

    monkeypatch.setattr(compare, "compare", told)
    monkeypatch.setattr(commands, "time", SimpleNamespace(monotonic=iter((0.0, 0.0, 240.0, 0.0, 0.0, 900.0)).__next__))
    for _ in range(2):
        assert main([*both, "--minutes", "10"]) == 0
    assert given == [10, 6, 10, pytest.approx(0, abs=1e-9)]
    assert given[-1] > 0, "0 would be all that it wants"


def test_what_is_stopped_writes_the_rows_that_it_has_and_without_any_leaves_the_table(
    both: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main([*both, "--task", "sentiment"]) == 0
    table = tmp_path / "out" / "sentiment" / "comparison.csv"
    whole = table.read_text()
    with table.open(newline="") as file:
        rows = len(list(csv.DictReader(file)))

    def stopped(first: int) -> Callable[..., Iterator[Any]]:
        real = compare.compare

        def some(*of: Any) -> Iterator[Any]:
            yield from itertools.islice(real(*of), first)
            raise KeyboardInterrupt

        return some

    for first, left in ((0, rows), (1, 1)):
        with monkeypatch.context() as patch:
            patch.setattr(compare, "compare", stopped(first))
            assert main([*both, "--task", "sentiment"]) == 130
        with table.open(newline="") as file:
            assert len(list(csv.DictReader(file))) == left
        assert (table.read_text() == whole) == (first == 0)


def test_the_command_prints_and_writes(made: Path) -> None:
    printed = (made / "printed.txt").read_text().splitlines()
    head = next(line for line in printed if line.startswith("row "))
    assert head.split() == list(overview.COLUMNS)
    table = printed[printed.index(head) + 1 :]
    folder = made / "out" / "sentiment"
    with (folder / "comparison.csv").open(newline="") as file:
        written = {row["row"]: row for row in csv.DictReader(file)}
    assert len(table) == len(written) == 8
    ranked = sorted(written.values(), key=lambda row: -float(row["accuracy"]))
    for line, row in zip(table, ranked, strict=True):
        assert line.startswith(row["row"])
        assert f"{float(row['accuracy']):.2%}" in line
    assert (folder / "comparison-aclimdb.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((folder / "gru" / "row.json").read_text())
    assert kept["rows"][0]["test"] == "aclimdb"
