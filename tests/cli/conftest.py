"""A small model on disk, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cli.__main__ import main
from tests.models.tiny import artefact

TEXT = "The cat sat on the film. You won free money! Click, click, click. Is the cat good? The end"


class Ran(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "spam-gru"
    artefact("gru").save(folder)
    return str(folder)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs `undertone` with these arguments; what argparse ends, ends as it does in a shell."""

    def ran(*arguments: str | Path) -> Ran:
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as exited:
            status = int(exited.code or 0)
        return Ran(status, *capfd.readouterr())

    return ran
