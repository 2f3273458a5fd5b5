"""`train --resume`, as it is typed after a training was killed: the same artefact as if it had not been."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from models.artefact import WEIGHTS, load
from tests.training import toy
from training import checkpoint, loop
from training.__main__ import main

EPOCHS = 8
PATIENCE = 200.0
"""Seconds after which the first epoch has ended, on a busy machine too."""


def kill_after_an_epoch(words: list[str], folder: Path) -> int:
    """Starts the command in a process of its own, and gives back how many epochs were done when it was killed."""
    process = subprocess.Popen([sys.executable, "-m", "training", *words], stdout=subprocess.DEVNULL)
    end = time.monotonic() + PATIENCE
    try:
        while not checkpoint.curve(folder):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < end, f"no epoch in {PATIENCE} s"
            time.sleep(0.005)
    finally:
        process.kill()
        process.wait()
    return len(checkpoint.curve(folder))


@pytest.mark.parametrize("teacher", ["linear", "ARTEFACT"])
def test_a_killed_training_goes_on_to_the_same_artefact(
    teacher: str, trained: Path, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = [f"epochs={EPOCHS}", f"patience={EPOCHS}", "sizes.wide=true", "vary=0.3", "dress=0.5"]
    overrides.append(f"teacher={trained if teacher == 'ARTEFACT' else teacher}")
    words = ["train", str(toy.recipe(tmp_path)), *overrides, "--trial", "--device", "cpu", "--data-dir", str(data_dir)]
    assert main([*words, "--output", str(tmp_path / "whole")]) == 0

    cut = tmp_path / "cut"
    done = kill_after_an_epoch([*words, "--output", str(cut)], cut)
    assert 1 <= done < EPOCHS
    assert not (cut / WEIGHTS).exists()
    real, begun = loop._epoch, []

    def told(*arguments: Any) -> float:
        begun.append(arguments[4])
        return real(*arguments)

    monkeypatch.setattr(loop, "_epoch", told)
    assert main([*words, "--resume", "--output", str(cut)]) == 0
    assert begun == list(range(done, EPOCHS))
    assert load(cut).digest == load(tmp_path / "whole").digest
    # The best epoch may have been before the cut, so the digest alone would say little of those after it.
    report = load(cut).report
    curves = (report["learning_curve"], load(tmp_path / "whole").report["learning_curve"])
    ours, theirs = ([(entry["train_loss"], entry["validation_loss"]) for entry in curve] for curve in curves)
    assert len(ours) == EPOCHS
    assert ours == theirs
    assert report["spent"]["cpu_seconds"] > sum(entry["cpu_seconds"] for entry in report["learning_curve"])
    assert (cut / "learning_curve.csv").read_text().count("\n") == 1 + EPOCHS


def test_without_a_checkpoint_there_is_nothing_to_go_on_from(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "train",
        str(toy.recipe(tmp_path)),
        "--trial",
        "--data-dir",
        str(data_dir),
        "--output",
        str(tmp_path / "out"),
    ]
    assert main([*words, "--output", str(tmp_path / "out"), "--resume"]) == 1
    assert "there is nothing to resume: train without --resume" in capsys.readouterr().err
