"""Several seeds of a recipe: each is trained once, and the table is of what their reports say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from models.artefact import CARD, REPORT, load
from models.shipped import PRETRAINED
from tests.training import toy
from training import seeds
from training.__main__ import main
from training.card import page


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command's arguments, after it was called with them once."""
    folder = tmp_path_factory.mktemp("seeds")
    data_dir, output = str(toy.films(folder / "data")), str(folder / "out")
    arguments = [
        "seeds",
        str(toy.recipe(folder)),
        "epochs=1",
        "--seeds",
        "2",
        "--data-dir",
        data_dir,
        "--output",
        output,
    ]
    assert main(arguments) == 0
    return arguments


def reports(arguments: list[str]) -> list[dict[str, Any]]:
    return [json.loads((Path(arguments[-1]) / f"seed-{n}" / REPORT).read_text("utf-8")) for n in (1, 2)]


def never(*_: object, **__: object) -> None:
    raise AssertionError("trained again")


def test_the_table_is_of_their_reports(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "train", never)
    assert main(given) == 0
    one, other = reports(given)
    assert one["seed"] != other["seed"]
    assert one["digest"] != other["digest"]
    lines = {line.split("  ")[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert list(lines) == ["scored on", "validation, aclimdb", "validation, all", "aclimdb"]
    accuracies = [report["test"]["aclimdb"]["accuracy"] for report in (one, other)]
    wanted = [mean(accuracies), stdev(accuracies), min(accuracies), max(accuracies)]
    assert lines["aclimdb"][2:6] == [f"{value:.2%}" for value in wanted]


def test_what_is_shipped_is_not_trained_again(
    given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(Path(given[-1]) / "seed-1", tmp_path / "shipped" / "sentiment-gru")
    shutil.copytree(Path(given[-1]) / "seed-2", tmp_path / "out" / "seed-2")
    given = [*given[:-1], str(tmp_path / "out")]
    monkeypatch.setattr(seeds, "train", never)
    with pytest.raises(AssertionError, match="trained again"):
        main(given)
    monkeypatch.setattr(seeds, "PRETRAINED", tmp_path / "shipped")
    capsys.readouterr()
    assert main(given) == 0
    assert "aclimdb" in capsys.readouterr().out


def test_a_card_takes_the_table_in(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "train", never)
    own = tmp_path / "artefact"
    shutil.copytree(Path(given[-1]) / "seed-2", own)
    before = load(own)
    assert "`python -m training seeds --card`" in page(before.report)
    assert main([*given, "--card", str(own)]) == 0
    printed = capsys.readouterr().out.splitlines()[-1].split()
    card = (own / CARD).read_text("utf-8")
    head, rows = card.split("## Beyond one training")[1].split("## Data")[0].split("|---|")
    (row,) = [line for line in rows.splitlines() if line.startswith(f"| {printed[0]} |")]
    assert row.replace("|", " ").split() == printed
    assert "| accuracy | accuracy +- | lowest |" in head
    assert f"    python -m training seeds {given[1]} epochs=1 --seeds=2 --data-dir DIR\n" in rows
    assert "`python -m training seeds --card`" not in card
    after = load(own)
    assert after.digest == before.digest
    assert {name: part for name, part in after.report.items() if name != "beyond"} == before.report
    assert page(after.report) == card


def test_a_card_of_another_model_is_refused_before_anything_is_trained(
    given: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "seeds", never)
    assert main([*given, "--card", str(PRETRAINED / "spam-gru")]) == 1
    assert "is of spam-gru, and" in capsys.readouterr().err
