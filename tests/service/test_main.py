"""`python -m service`: what it starts, and what it refuses to start."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from service import __main__ as starter
from tests.e2e.server import free_port


@pytest.fixture
def started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folders: list[Path]
) -> list[tuple[str, list[str], dict[str, str]]]:
    """What would have been executed."""
    calls: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    monkeypatch.chdir(tmp_path)
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "UNDERTONE_MODELS": ",".join(map(str, folders))}
    monkeypatch.setattr(os, "environ", environment)
    return calls


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["undertone", *arguments])
    starter.main()


def test_it_becomes_bentoml_on_loopback(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(free_port())
    run(monkeypatch, "--port", port)
    ((program, command, environment),) = started
    assert program == command[0] == sys.executable
    assert command[1:5] == ["-m", "bentoml", "serve", "service.app:Undertone"]
    assert command[command.index("--host") + 1 : command.index("--host") + 4] == ["127.0.0.1", "--port", port]
    assert environment["BENTOML_DO_NOT_TRACK"] == "True"
    assert Path(environment["BENTOML_HOME"]).is_dir()


def test_two_instances_have_a_home_each(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for port in {free_port(), free_port()}:
        run(monkeypatch, "--port", str(port))
    assert len({environment["BENTOML_HOME"] for _, _, environment in started}) == len(started)


def test_a_name_is_served_at_its_address_and_with_its_home(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = str(free_port())
    for host in ("localhost", "127.0.0.1"):
        run(monkeypatch, "--host", host, "--port", port)
    assert started[0] == started[1]


def test_an_address_that_is_taken_is_told_and_nothing_is_touched(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match=f"undertone: 127.0.0.1:{port} is taken"):
            run(monkeypatch, "--port", str(port))
        run(monkeypatch, "--port", str(port), "--check")
    assert started == []
    assert not (tmp_path / "cache").exists()


def test_a_home_of_ones_own_is_kept(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.environ["BENTOML_HOME"] = str(tmp_path / "mine")
    run(monkeypatch, "--port", str(free_port()))
    assert started[0][2]["BENTOML_HOME"] == str(tmp_path / "mine")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UNDERTONE_WORKERS", "many"),
        ("UNDERTONE_MODELS", "nothing"),
        ("REDIS_URL", "redis://redis"),
        ("UNDERTONE_DEVICE", "cuda:99"),
    ],
)
def test_bad_settings_are_told_before_anything_starts(
    started: list[tuple[str, list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    os.environ[name] = value
    with pytest.raises(SystemExit, match=f"undertone: {name}"):
        run(monkeypatch)
    assert started == []
