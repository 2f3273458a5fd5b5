"""Two processes learn what one learns: torchrun on this machine, gloo, the same recipe."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from models.artefact import WEIGHTS, load
from tests.training import bert, toy
from training import log, parallel, recipe
from training.corpus import batches, example
from training.documents import NO_TARGET
from training.train import train

QUIET = ["epochs=3", "sizes.word_dropout=0", "sizes.dropout=0", "sizes.recurrent_dropout=0"]
"""Without dropout, which each process draws for itself, nothing is left to chance but the order of sums."""


def together(*arguments: str) -> subprocess.CompletedProcess[str]:
    return torchrun("-m", "training", "train", *arguments)


def torchrun(*command: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *command]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize(
    "more",
    [
        ["batch=4"],
        ["batch=3"],  # a part holds two documents, or one; the last batch may hold one
        # What both processes work out for themselves has to be the same: beliefs, stretches, pieces, the linear path.
        ["sizes.wide=true", "vary=0.3", "dress=0.5", "teacher=linear"],
        ["sizes.wide=true", "vary=0.3", "teacher=ARTEFACT"],
    ],
    ids=" ".join,
)
def test_two_processes_learn_what_one_does(more: list[str], trained: Path, data_dir: Path, tmp_path: Path) -> None:
    path, overrides = toy.recipe(tmp_path), [*QUIET, *(one.replace("ARTEFACT", str(trained)) for one in more)]
    one = train(recipe.load(path, overrides), data_dir, tmp_path / "one", device=torch.device("cpu"), trial=True)
    options = ["--trial", "--device", "cpu", "--data-dir", str(data_dir), "--output", str(tmp_path / "two")]
    done = together(str(path), *overrides, *options)
    assert done.stdout.count("validation: ") == 2  # the checks' line and the figures', by one process
    assert_same_weights(tmp_path / "one", tmp_path / "two")
    curves = [
        [[entry[name] for entry in curve] for name in ("train_loss", "validation_loss", "validation_running_accuracy")]
        for curve in (one.report["learning_curve"], load(tmp_path / "two").report["learning_curve"])
    ]
    assert curves[1] == [pytest.approx(line, abs=1e-5) for line in curves[0]]
    assert len((tmp_path / "two" / log.FILE).read_text().splitlines()) == 4


def test_one_process_asks_the_transformer_and_tells_the_other(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, overrides = toy.recipe(tmp_path), [*QUIET, "epochs=1", "sizes.wide=true", "teacher=transformer"]
    site = str(bert.package(tmp_path / "site"))
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", site)
    for name in ("one", "two"):  # each begins with an empty cache
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"{name}-cache"))
        if name == "one":
            train(recipe.load(path, overrides), data_dir, tmp_path / name, device=torch.device("cpu"), trial=True)
        else:
            options = ["--trial", "--device", "cpu", "--data-dir", str(data_dir), "--output", str(tmp_path / name)]
            assert together(str(path), *overrides, *options).stderr.count("transformer learns: 100%") == 1
    assert_same_weights(tmp_path / "one", tmp_path / "two")


def assert_same_weights(one: Path, two: Path) -> None:
    alone, both = (safetensors.torch.load_file(folder / WEIGHTS) for folder in (one, two))
    for name, tensor in alone.items():
        torch.testing.assert_close(both[name], tensor, rtol=0, atol=2e-5)


def test_the_parts_of_a_batch_are_the_batch() -> None:
    data = [example([[i + 1]] * (1 + i % 3), i % 2) for i in range(7)]
    whole = list(batches(data, 3, np.random.default_rng(1)))
    parts = [list(batches(data, 3, np.random.default_rng(1), part=part, parts=2)) for part in (0, 1)]
    for batch, *split in zip(whole, *parts, strict=True):
        words = [i for part in split for i in part.tokens.ids[: int((part.targets != NO_TARGET).sum())].tolist()]
        assert sorted(words) == sorted(batch.tokens.ids.tolist())
    # Seven in threes: the last batch is one document, and the second process has nothing of it.
    (silent,) = [part for part in parts[1] if bool((part.targets == NO_TARGET).all())]
    assert silent.share == 1


def test_no_thread_of_a_group_lives_on_after_it(tmp_path: Path) -> None:
    """One that does can abort the process as Python ends: seen once in some hundred runs, on a busy machine."""
    (tmp_path / "leaves.py").write_text(LEAVES)
    done = torchrun(str(tmp_path / "leaves.py"))
    assert done.stdout.count("inside: gloo_tcp_loop, pt_gloo_runloop, pt_gloo_runloop") == 2, done.stdout
    assert done.stdout.count("outside: none\n") == 2, done.stdout


LEAVES = """
from pathlib import Path
import torch
from training import parallel

def threads():
    names = (task.read_text().strip() for task in Path("/proc/self/task").glob("*/comm"))
    return ", ".join(sorted(name for name in names if "gloo" in name)) or "none"

with parallel.group(torch.device("cpu")):
    layer = torch.nn.Linear(2, 1)
    optimiser = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    parallel.add_gradients(layer)
    optimiser.step()
    lines = "inside: " + threads()
print(f"{lines}\\noutside: {threads()}\\n", end="")
"""


def test_alone_nothing_is_added_up() -> None:
    assert (parallel.rank(), parallel.ranks()) == (0, 1)
    assert parallel.total(torch.tensor(3.0)).item() == 3.0
    with parallel.group(torch.device("cpu")) as device:
        assert device == torch.device("cpu")
        assert not torch.distributed.is_initialized()
