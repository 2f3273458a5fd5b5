"""The folder of one running service: nobody else has it, as long as a process of that service lives."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from service.home import HomeError, held


def test_a_folder_is_held_once_and_then_free(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    for _ in range(2):
        with (
            held(home),
            pytest.raises(HomeError, match=f"^another service that .* has {home}: stop it or .*PORT=…"),
            held(home),
        ):
            pytest.fail("it was held twice")


def test_what_is_executed_meanwhile_holds_it_to_its_end(tmp_path: Path) -> None:
    with held(tmp_path):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        with pytest.raises(HomeError), held(tmp_path):
            pytest.fail("the child has no hold of it")
    finally:
        child.kill()
        child.wait()
    with held(tmp_path):
        pass


def test_two_folders_are_two(tmp_path: Path) -> None:
    with held(tmp_path / "one"), held(tmp_path / "other"):
        pass


def test_a_folder_that_cannot_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = r"file/home cannot be written to \(.+\): choose another folder, BENTOML_HOME=…"
    with pytest.raises(HomeError, match=told), held(tmp_path / "file" / "home"):
        pytest.fail("it is below a file")
