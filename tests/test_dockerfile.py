"""The Dockerfile against the tree, the service's defaults and docker-compose.yml; there is no engine here to run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml

ROOT: Final = Path(__file__).parent.parent
COMMANDS: Final = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"))).splitlines()


def instructions(name: str) -> list[str]:
    return [line.removeprefix(name).strip() for line in COMMANDS if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """Every source of a COPY, as written."""
    return [part for line in instructions("COPY") for part in line.split()[:-1] if not part.startswith("--")]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())


def test_what_it_copies_exists_and_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert all((ROOT / source).exists() for source in copied())
    assert {source.rstrip("/") for source in copied()} == sent


def test_it_has_what_serving_imports() -> None:
    """The packages of ours that models, service, client and cli import are these four; see test_imports."""
    assert {"models/", "service/", "client/", "cli/", "requirements.txt", "constraints.txt"} <= set(copied())


def test_the_command_line_is_found_from_any_folder(tmp_path: Path) -> None:
    """What it copies, elsewhere, and the line that puts `undertone` on the path."""
    app, bin_ = tmp_path / "app", tmp_path / "bin"
    bin_.mkdir()
    app.mkdir()
    for source in copied():
        if source.endswith("/"):
            shutil.copytree(ROOT / source, app / source, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / source, app)
    (line,) = (line for line in instructions("RUN") if line.startswith("printf"))
    here = line.replace("/usr/local/bin", str(bin_)).replace("/app", str(app))
    subprocess.run(["sh", "-c", here], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UNDERTONE_", "REDIS_"))}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    command = [str(bin_ / "undertone"), "predict", "--task", "spam", "--json"]
    (tmp_path / "a.txt").write_text("You won free money. Click on it!")
    done = subprocess.run([*command, "a.txt"], cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"]["name"] == "spam-gru"


def test_a_change_of_the_code_does_not_install_again() -> None:
    order = [line for line in COMMANDS if line.startswith(("COPY", "RUN pip"))]
    torch, rest = (index for index, line in enumerate(order) if line.startswith("RUN pip"))
    assert "^torch==" in order[torch]
    assert order[rest].endswith("-r requirements.txt")
    assert all("-c constraints.txt ${PIP_ARGS}" in order[index] for index in (torch, rest))
    assert order[0] == "COPY requirements.txt constraints.txt ./"
    assert [torch, rest] == [1, 2]


def test_python_is_the_one_that_pyproject_asks_for() -> None:
    (base,) = instructions("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-\w+", base)
    assert version is not None
    assert f'requires-python = ">={version[1]},' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_it_does_not_run_as_root_and_writes_only_to_tmp() -> None:
    (user,) = instructions("USER")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), user
    assert environment()["BENTOML_HOME"].startswith("/tmp/")  # noqa: S108 - the container's
    assert environment()["HOME"] == "/tmp"  # noqa: S108


def test_its_user_can_read_weights_that_only_their_trainer_could() -> None:
    folders = [line for line in instructions("COPY") if line.endswith("/") and not line.endswith(" ./")]
    assert folders == [f"--chmod=755 {name} {name}" for name in ("models/", "service/", "client/", "cli/")]


def test_bentoml_reports_nothing() -> None:
    assert environment()["BENTOML_DO_NOT_TRACK"] == "True"


def test_command_port_and_health_check_agree_with_the_service_and_compose() -> None:
    (command,) = (json.loads(line) for line in instructions("CMD"))
    assert command == ["python", "-m", "service", "--host", "0.0.0.0"]  # noqa: S104 - in a container
    (exposed,) = instructions("EXPOSE")
    assert f'"--port", type=int, default={exposed}' in (ROOT / "service" / "__main__.py").read_text("utf-8")
    (health,) = instructions("HEALTHCHECK")
    options, _, check = health.partition("CMD ")
    named = dict(option.removeprefix("--").split("=") for option in options.split())
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["x-undertone"]["healthcheck"]
    assert ["CMD", *json.loads(check)] == compose.pop("test")
    assert {key.replace("-", "_"): value for key, value in named.items()} == {k: str(v) for k, v in compose.items()}


def test_torch_for_the_cpu_unless_told_otherwise() -> None:
    (given,) = instructions("ARG")
    assert given == 'PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu"'
