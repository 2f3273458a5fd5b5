"""The command line: help, the table, and reasons instead of tracebacks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.artefact import load
from tests.training import toy
from training.__main__ import main
from training.arguments import parser
from training.commands import commands


def test_help_names_the_commands() -> None:
    done = subprocess.run([sys.executable, "-m", "training", "--help"], capture_output=True, text=True, check=True)
    for command in ("data", "train", "evaluate"):
        assert command in done.stdout


@pytest.mark.parametrize("package", ["tqdm", "matplotlib", "sklearn"])
def test_what_serving_does_not_bring_is_named_with_how_to_get_it(package: str) -> None:
    without = f"import runpy, sys; sys.modules[{package!r}] = None; runpy.run_module('training', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the package {package} is not installed" in done.stderr
    assert "run `make dev`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", sorted(commands.keys() - {"export", "draw"}))
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args([command, "--help"])
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["xpu" if not torch.xpu.is_available() else "mps", "gpu"])
def test_a_device_that_is_not_there_is_refused_in_a_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["train", "recipe.toml", "--device", name])
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"argument --device: {name!r} cannot be used here: " in error
    assert error.endswith("; leave it out, or name cpu")


def test_evaluate_prints_a_table(trained: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(trained), "--data-dir", str(data_dir)]) == 0
    head, rule, row = capsys.readouterr().out.splitlines()
    assert head.split()[:5] == ["model", "test", "documents", "accuracy", "ROC"]
    assert set(rule) <= {"-", " "}
    assert row.split()[:3] == ["sentiment-gru", "aclimdb", "40"]
    assert row.split()[3].endswith("%")


def test_reference_is_what_training_wrote_and_changes_nothing_else(
    trained: Path, data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "artefact"
    shutil.copytree(trained, folder)
    before = load(folder)
    stale = replace(before, report={name: part for name, part in before.report.items() if name != "reference"})
    stale.save_report(folder)
    assert load(folder).report != before.report
    assert main(["reference", str(folder), "--data-dir", str(data_dir)]) == 0
    assert "of them unknown" in capsys.readouterr().out
    assert load(folder).report == before.report
    assert (folder / "CARD.md").read_bytes() == (trained / "CARD.md").read_bytes()
    assert load(folder).digest == before.digest
    counts = before.report["reference"]["features"]["probability"]["counts"]
    assert sum(counts) == before.report["validation"]["documents"]


def test_train_writes_where_it_is_told(data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(toy.recipe(tmp_path)), "epochs=1", "--trial", "--data-dir", str(data_dir), "--output"]
    assert main(["train", *arguments, str(tmp_path / "out")]) == 0
    printed, progress = capsys.readouterr()
    assert re.search(r"epoch 1/1: 100%.* \[\d\d:\d\d<00:00, .*, loss=\d\.\d{4}\]", progress), "loss and time left"
    assert "validation: " in printed
    costs = re.findall(
        r"(?m)^(.*): ([\d,.]+) s of processor time, ([\d,.]+) s by the clock, at most ([\d,]+) MB$", printed
    )
    assert [line[0] for line in costs] == ["1 epochs, the longest", "from texts to a calibrated artefact"]
    report = load(tmp_path / "out").report
    assert costs[0][1] == f"{report['learning_curve'][0]['cpu_seconds']:,.1f}"
    assert costs[1][3] == f"{report['spent']['peak_mb']:,.0f}"
    assert (tmp_path / "out" / "weights.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "none.toml"], "train: none.toml does not exist"),
        (["train", "RECIPE", "epoch=3"], "the nearest is 'epochs'"),
        (["train", "RECIPE", "held_out=aclimdb/train"], "add --trial"),
        (["train", "RECIPE", "--data-dir", "/none"], "name the folder that holds the data sets with --data-dir"),
        (["data", "enron"], "unknown sets: enron"),
        (["evaluate", "/none"], "/none is not an artefact"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(toy.recipe(tmp_path))
    assert main([path if a == "RECIPE" else a for a in arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_data_says_what_is_not_as_published(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "aclimdb", "--data-dir", str(data_dir)]) == 1
    captured = capsys.readouterr()
    assert "aclimdb/test: 40 rows" in captured.out
    assert "3 files differ from what was published" in captured.err
