"""The toy set on disk, and one artefact trained on it for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.training import toy
from training.recipe import load
from training.train import train


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy.films(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(load(toy.recipe(folder)), data_dir, folder / "artefact", device=torch.device("cpu"))
    return folder / "artefact"
