"""Which model answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import torch

from models import shipped
from service import catalogue
from service.catalogue import Catalogue
from service.errors import InvalidRequest, UnknownModel, UnknownTask
from service.settings import SettingsError
from tests.service.live import Bench, artefact

ROOT: Final = Path(__file__).parents[2]


@pytest.fixture
def models(bench: Bench) -> Catalogue:
    return bench.catalogue


def test_the_first_model_of_a_task_is_its_default(models: Catalogue) -> None:
    assert models.tasks == ["spam", "sentiment"]
    assert [models.resolve(task).name for task in models.tasks] == ["spam-gru", "sentiment-gru"]


def test_a_model_is_found_by_its_name_and_by_its_digest(models: Catalogue) -> None:
    for model in models.models:
        assert models.resolve(model.task, model.name) is model
        assert models.resolve(model.task, model.digest) is model
    assert len({model.digest for model in models.models}) == 4


def test_what_is_not_loaded_is_refused_with_what_is(models: Catalogue) -> None:
    with pytest.raises(UnknownTask, match="spam, sentiment") as no_task:
        models.resolve("weather")
    assert no_task.value.field == "task"
    with pytest.raises(UnknownModel, match="spam-gru, spam-conv1d") as no_model:
        models.resolve("spam", "sentiment-gru")
    assert no_model.value.field == "model"


def test_long_names_are_not_repeated_in_full(models: Catalogue) -> None:
    for task, model in (("x" * 10_000, None), ("spam", "x" * 10_000)):
        with pytest.raises((UnknownTask, UnknownModel)) as refused:
            models.resolve(task, model)
        assert len(refused.value.message) < 500


def test_thresholds(models: Catalogue) -> None:
    model = models.resolve("spam")
    assert [model.threshold(asked) for asked in (None, 0.9, "fpr:0.01")] == [0.5, 0.9, 0.75]
    for asked in ("fpr:0.5", "0.01", "fpr:", f"fpr:0.{'9' * 10_000}"):
        with pytest.raises(InvalidRequest, match=r'"fpr:0\.01"') as refused:
            model.threshold(asked)
        assert refused.value.field == "threshold"
        assert len(refused.value.message) < 500


def test_more_than_two_labels_have_no_threshold(models: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models.resolve("spam")
    monkeypatch.setattr(model, "artefact", replace(model.artefact, labels=("a", "b", "c")))
    assert model.threshold(None) is None
    for asked in (0.5, "fpr:0.01"):
        with pytest.raises(InvalidRequest, match="no threshold"):
            model.threshold(asked)


def test_a_model_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="UNDERTONE_MODELS names 'nothing'"):
        catalogue.load([str(tmp_path / "nothing")], 1, 10)


def test_a_task_that_cannot_be_part_of_a_key_is_refused(tmp_path: Path) -> None:
    replace(artefact("spam", "gru"), task="a:b").save(tmp_path / "odd")
    with pytest.raises(SettingsError, match="UNDERTONE_MODELS names 'odd', whose task is 'a:b'"):
        catalogue.load([str(tmp_path / "odd")], 1, 10)


@pytest.mark.parametrize(
    ("asked", "there", "placed"),
    [
        ("auto", 0, ["cpu", "cpu", "cpu"]),
        ("auto", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda", 2, ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda:1", 2, ["cuda:1", "cuda:1", "cuda:1"]),
        ("cpu", 2, ["cpu", "cpu", "cpu"]),
    ],
)
def test_each_worker_has_a_device(asked: str, there: int, placed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_gpus", lambda: there)
    assert [catalogue.place(asked, worker) for worker in (1, 2, 3)] == placed


@pytest.mark.parametrize(("asked", "there"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_a_device_that_is_not_there_is_refused(asked: str, there: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_gpus", lambda: there)
    with pytest.raises(SettingsError, match=rf"UNDERTONE_DEVICE is {asked}, .*there are {there} CUDA devices"):
        catalogue.place(asked, 1)


def test_a_worker_scores_with_one_thread_and_full_precision(bench: Bench) -> None:
    torch.set_num_threads(2)
    torch.backends.cuda.matmul.allow_tf32 = True
    models = bench.load()
    try:
        assert models.models[0].batcher._executor.submit(torch.get_num_threads).result() == 1
        assert not torch.backends.cuda.matmul.allow_tf32
        assert not torch.backends.cudnn.allow_tf32
    finally:
        models.close()


LOADS = """
import sys
import service.app
from service import catalogue
models = catalogue.load(sys.argv[1:], 1, 10)
resident = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
print("torch" in sys.modules, int(resident) // 1024)
models.close()
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU a worker needs torch")
def test_a_worker_with_what_is_shipped_holds_no_torch_and_at_most_350_mb() -> None:
    names = shipped.names()
    ran = subprocess.run([sys.executable, "-c", LOADS, *names], check=True, capture_output=True, text=True, cwd=ROOT)
    has_torch, resident = ran.stdout.split()[-2:]
    assert has_torch == "False"
    assert int(resident) <= 350
