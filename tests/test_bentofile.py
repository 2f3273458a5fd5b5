"""bentofile.yaml by the real thing: `bentoml build`, what is in the Bento, and the Bento served.

a copy of the tree + a tiny model + what must stay out --bentoml build--> Bento --bentoml serve--> /v1/predict
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.e2e.server import Service
from tests.models.tiny import artefact

ROOT: Final = Path(__file__).parent.parent
OUT: Final = (".venv/lib/x.py", "data/mail.txt", "runs/x.toml", ".env")
"""Beside tests and training: what a working copy has, and nobody else may get."""


@dataclass(frozen=True)
class Built:
    home: Path
    bento: Path
    digest: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("bento")
    tree, home = folder / "tree", folder / "home"
    for name in ("models", "service", "cli", "client", "training", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "pretrained"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, tree)
    for name in OUT:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("keep out")
    (tree / "models" / "__pycache__").mkdir()
    (tree / "models" / "__pycache__" / "x.pyc").write_text("keep out")
    saved = artefact("gru").save(tree / "models" / "pretrained" / "spam-gru")
    home.mkdir()
    # Nothing is asked of the network: every proxy is a closed port.
    closed = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = subprocess.run(
        [sys.executable, "-m", "bentoml", "build"],
        cwd=tree,
        env={**os.environ, **closed, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    store = home / "bentos" / "undertone"
    return Built(home, store / (store / "latest").read_text().strip(), saved.digest)


def test_what_is_in_it(built: Built) -> None:
    source = built.bento / "src"
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    wanted = {
        str(path.relative_to(ROOT))
        for name in ("models", "service", "cli", "client")
        for path in (ROOT / name).rglob("*")
        if path.is_file() and not {"__pycache__", "pretrained"} & set(path.parts)
    }
    wanted |= {"requirements.txt", "constraints.txt", "LICENSE", "bentofile.yaml"}
    weights = {
        f"models/pretrained/spam-gru/{name}" for name in ("weights.safetensors", "config.toml", "vocabulary.txt")
    }
    assert files == wanted | weights


def test_its_pins_are_ours(built: Built) -> None:
    def pins(path: Path) -> set[str]:
        return {line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")}

    assert pins(ROOT / "requirements.txt") <= pins(built.bento / "env" / "python" / "requirements.txt")
    assert yaml.safe_load((built.bento / "bento.yaml").read_text("utf-8"))["service"] == "service.app:Undertone"


def test_there_is_no_second_recipe_of_an_image() -> None:
    assert "docker" not in yaml.safe_load((ROOT / "bentofile.yaml").read_text("utf-8"))


def test_its_doctor_finds_nothing_wrong(built: Built) -> None:
    command = [sys.executable, "-m", "cli", "doctor", "--json"]
    environment = {**os.environ, "UNDERTONE_MODELS": "spam-gru"}
    environment.pop("REDIS_URL", None)
    source = built.bento / "src"
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    found = {line["what"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert {what: line["said"] for what, line in found.items() if line["state"] != "ok"} == {}
    assert found["spam-gru"]["said"].startswith(f"spam, {built.digest[:19]}")


def test_it_serves_its_own_model(built: Built, tmp_path: Path) -> None:
    command = (sys.executable, "-m", "bentoml", "serve", "undertone:latest", "--host", "127.0.0.1", "--port", "{port}")
    environment = {
        "BENTOML_HOME": str(built.home),
        "BENTOML_DO_NOT_TRACK": "True",
        "UNDERTONE_MODELS": "spam-gru",
        "UNDERTONE_WORKERS": "1",
        "UNDERTONE_REDIS_TIMEOUT": "10",
    }
    with Service(tmp_path, environment, command) as service:
        body = {"task": "spam", "text": "You won free money. Click on it!", "session_id": "a"}
        answer = service.post("/v1/predict", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["model"] == {"name": "spam-gru", "digest": built.digest}
        assert len(answer.json()["sentences"]) == 2
        left = service.stop()
    assert not left
