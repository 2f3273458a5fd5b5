"""The models that this process serves, and which of them answers a request.

names, folders --load--> Model (artefact, predictor, batcher)     (task, model?) --resolve--> Model
"""

from __future__ import annotations

import ctypes
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from threadpoolctl import threadpool_limits

from models import shipped
from models.artefact import CARD, Artefact
from models.artefact import load as load_artefact
from models.predictor import Predictor
from models.verdict import threshold
from service.batcher import Batcher
from service.errors import NotFound, UnknownModel, UnknownTask
from service.settings import NAME, SettingsError

logger = logging.getLogger(__name__)

ROOT: Final = Path(__file__).parent.parent
INLINE: Final = 8
"""Sentences that are scored without a thread: they take about as long as going to one and back."""


class Model:
    """A loaded artefact, and the batcher in front of it; `card` is Markdown, and empty where it came without one."""

    def __init__(self, artefact: Artefact, predictor: Predictor, batcher: Batcher, card: str = "") -> None:
        self.artefact = artefact
        self.card = card
        self.predictor = predictor
        self.batcher = batcher
        self.name = artefact.name
        self.task = artefact.task
        self.digest = artefact.digest
        self.labels = artefact.labels
        self.language = artefact.language

    def threshold(self, asked: float | str | None) -> float | None:
        """The probability from which the positive label is given; None with more than two labels."""
        return threshold(self.artefact, asked)


class Catalogue:
    """All loaded models; the first of a task is its default."""

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = list(models)
        self._defaults: dict[str, Model] = {}
        for model in self.models:
            self._defaults.setdefault(model.task, model)

    @property
    def tasks(self) -> list[str]:
        return list(self._defaults)

    def task(self, task: str) -> str:
        """The task itself; raises UnknownTask where no model does it."""
        if task not in self._defaults:
            known = ", ".join(self._defaults)
            raise UnknownTask(f"no model for task {task[:80]!r} is loaded, there are models for: {known}", field="task")
        return task

    def resolve(self, task: str, model: str | None = None) -> Model:
        """The model of that name or digest, or the task's default."""
        self.task(task)
        if model is None:
            return self._defaults[task]
        found = self.find(task, model)
        if found is None:
            known = ", ".join(m.name for m in self.models if m.task == task)
            raise UnknownModel(
                f"no model {model[:80]!r} for task {task!r} is loaded, there are: {known}", field="model"
            )
        return found

    def card(self, model: str) -> str:
        """What is to be known of the model of that name or digest; raises NotFound."""
        found = next((m for m in self.models if model in (m.name, m.digest)), None)
        if found is None:
            raise NotFound(f"no model {model[:80]!r} is loaded, /v1/models lists those that are")
        if not found.card:
            raise NotFound(f"{found.name} came without a {CARD}: /v1/models has its figures")
        return found.card

    def find(self, task: str, model: str) -> Model | None:
        return next((m for m in self.models if m.task == task and model in (m.name, m.digest)), None)

    def close(self) -> None:
        for model in self.models:
            model.batcher.close()


def folders(names: Sequence[str]) -> list[Path]:
    """Where the models are; raises SettingsError where one is not. Needs no torch, so a supervisor can ask."""
    found = [shipped.folder(name) for name in names]
    for folder in found:
        if not (folder / "config.toml").is_file():
            known = ", ".join(shipped.names()) or "none"
            raise SettingsError(
                f"UNDERTONE_MODELS names {folder.name!r}, and there is no model in {folder}: name shipped ones "
                f"({known}) or folders that `python -m training train` wrote"
            )
    return found


def place(device: str, worker: int) -> str:
    """Where a worker (from 1) computes; raises SettingsError for a device that is not there."""
    there = _gpus()
    if device == "cpu" or (device == "auto" and not there):
        return "cpu"
    number = int(device.partition(":")[2] or (worker - 1) % max(there, 1))
    if number >= there:
        raise SettingsError(
            f"UNDERTONE_DEVICE is {device}, and there are {there} CUDA devices here: set it to "
            f"cpu or auto{f', or to cuda:N with N below {there}' if there else ''}"
        )
    return f"cuda:{number}"


def look_for(device: str, workers: int) -> None:
    """Raises SettingsError where a worker's device is not there.

    torch is asked in a process of its own: it would stay in a supervisor's memory for good.
    """
    if not device.startswith("cuda"):
        return
    code = f"from service.catalogue import place\nfor n in range({workers}): place({device!r}, n + 1)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SettingsError(done.stderr.strip().rpartition("SettingsError: ")[2])


def load(names: Sequence[str], worker: int, queue: int, device: str = "auto") -> Catalogue:
    """Loads artefacts by name (shipped ones) or folder, on this worker's device.

    torch is imported only where there is a GPU, or a family that NumPy does not have: it is 200 MB and a second.
    """
    # Small products are faster on one thread, and each worker is one of several.
    threadpool_limits(1)
    where = place(device, worker)
    # One thread for all models: they share one device, and torch's thread count is each thread's own.
    engine = ThreadPoolExecutor(1, thread_name_prefix="engine", initializer=_steady)
    loaded: list[Model] = []
    for folder in folders(names):
        artefact = load_artefact(folder)
        if not re.fullmatch(NAME, artefact.task):
            raise SettingsError(
                f"UNDERTONE_MODELS names {folder.name!r}, whose task is {artefact.task!r}, and a task is part of a "
                "session's name in Redis: train it again, with 1 to 128 of the letters, digits and signs "
                "A-Z a-z 0-9 _ . ~ - as its task"
            )
        predictor = Predictor(artefact, where)
        _steady()
        predictor.advance([(None, ["The first call pays for what later ones find warm."])])
        inline = INLINE if where == "cpu" else 0
        loaded.append(Model(artefact, predictor, Batcher(predictor.advance, engine, queue, inline), _card(folder)))
        logger.info("loaded %s %s on %s", artefact.name, artefact.digest[:19], where)
    return Catalogue(loaded)


def _card(folder: Path) -> str:
    file = folder / CARD
    return file.read_text("utf-8") if file.is_file() else ""


def _gpus() -> int:
    try:
        ctypes.CDLL("libcuda.so.1")  # the driver; without one there is nothing to ask torch for
    except OSError:
        return 0
    import torch

    return torch.cuda.device_count()


def _steady() -> None:
    """Where torch is used, it computes in float32, on one thread of the CPU."""
    if "torch" in sys.modules:
        import torch

        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        torch.set_num_threads(1)
