"""What the doctor finds, and what it says should be done."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import torch

from models import shipped
from models.artefact import digest
from service.embedded import EmbeddedRedis
from tests.cli.conftest import Run
from tests.e2e.server import free_port
from tests.e2e.test_redis import acl
from tests.service.live import Bench, Live

KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture(autouse=True)
def small(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REDIS_URL", "UNDERTONE_STATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UNDERTONE_MODELS", model)


def test_an_installation_that_is_right(run: Run) -> None:
    got = run("doctor", "--json")
    assert {line["what"]: line["state"] for line in got.lines if line["state"] != "ok"} == {}
    assert got.status == 0
    assert {"python", "packages", "device", "settings", "redis"} < {line["what"] for line in got.lines}
    assert any("embedded Valkey" in line["said"] for line in got.lines)


def test_packages_are_held_against_the_pins(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.doctor.ROOT", tmp_path)
    got = run("doctor", "--quiet")
    assert f"there is no requirements.txt in {tmp_path}" in got.out
    (tmp_path / "requirements.txt").write_text("# pins\nhttpx==0.0.1\nno-such-thing==1.0 # a comment\n")
    got = run("doctor", "--quiet")
    assert "0.0.1; no-such-thing missing, wanted 1.0" in got.out
    assert got.status == 78


def test_what_is_wrong_with_models(run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in Path(model).iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    weights = bytearray((damaged / "weights.safetensors").read_bytes())
    (damaged / "weights.safetensors").write_bytes(weights[:-4])
    other = tmp_path / "other"
    other.mkdir()
    for path in Path(model).iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "report.json").write_text('{"digest": "sha256:0123456789abcdef"}')
    monkeypatch.setenv("UNDERTONE_MODELS", f"{damaged},{other},{tmp_path}/none")
    got = run("doctor")
    assert got.status == 78
    said = [line for line in got.out.splitlines() if line.startswith("wrong")]
    assert "is damaged" in said[0]
    assert "its report is of sha256:0123456789ab" in said[1]
    assert "is not an artefact" in said[2]
    assert "git checkout models/pretrained" in got.out


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDIS_URL", "redis://127.0.0.1:1", "UNDERTONE_STATE_KEY is not"),
        ("UNDERTONE_STATE_KEY", "c2hvcnQ=", "not base64 of 32 bytes"),
        ("UNDERTONE_WORKERS", "many", "UNDERTONE_WORKERS is 'many'"),
    ],
)
def test_what_is_wrong_with_settings(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    got = run("doctor", "--quiet")
    assert got.status == 78
    assert said in got.out
    assert "ok " not in got.out


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """What REDIS_URL names, as its administrator."""
    running = EmbeddedRedis()
    monkeypatch.setenv("UNDERTONE_STATE_KEY", KEY)
    monkeypatch.setenv("REDIS_URL", running.url)
    with redis.Redis.from_url(running.url) as client:
        yield client
    running.stop()


def about_redis(run: Run) -> dict[str, Any]:
    (finding,) = (line for line in run("doctor", "--json").lines if line["what"] == "redis")
    return finding


def test_redis(run: Run, server: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    assert about_redis(run)["state"] == "ok"
    server.config_set("maxmemory-policy", "allkeys-lfu")
    got = run("doctor")
    assert got.status == 0
    assert " in use, evicts by allkeys-lfu\n      -> `CONFIG SET maxmemory-policy volatile-lru`" in got.out
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{free_port()}")
    got = run("doctor", "--quiet")
    assert got.status == 78
    assert "it does not answer (ConnectionError)" in got.out
    assert "start it, or mend REDIS_URL" in got.out
    assert "secret" not in got.out + got.err


def test_redis_as_the_user_of_security_md(run: Run, server: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def user(name: str, *more: str) -> None:
        server.execute_command("ACL", "SETUSER", name, *acl("undertone"), ">secret", *more)  # type: ignore[no-untyped-call]

    url = os.environ["REDIS_URL"].replace("://", "://{}@")
    user("undertone")
    monkeypatch.setenv("REDIS_URL", url.format("undertone:secret"))
    assert about_redis(run)["state"] == "ok"
    user("less", "-info")
    monkeypatch.setenv("REDIS_URL", url.format("less:secret"))
    refused = about_redis(run)
    assert (refused["state"], refused["mend"]) == ("wrong", "give this user the rights that SECURITY.md lists")
    assert "'info'" in refused["said"]
    monkeypatch.setenv("REDIS_URL", url.format("undertone:wrong"))
    assert about_redis(run)["said"] == "it refuses the password"


def test_a_service_that_is_degraded_and_has_another_model(run: Run, model: str, tmp_path: Path) -> None:
    with living(model, f"unix://{tmp_path}/none.sock") as port:
        got = run("doctor", "--json", "--url", f"http://127.0.0.1:{port}")
    assert got.status == 78
    # Between them are lines of the service's own log.
    other, degraded = (line for line in got.lines if line.get("what") == "service")
    assert (other["state"], other["mend"]) == ("note", "deploy one version on both sides")
    there, here = (digest(folder)[:19] for folder in (Path(model), shipped.folder("spam-gru")))
    assert other["said"] == f"spam-gru is {there}… there and {here}… here"
    assert (degraded["state"], degraded["mend"]) == ("wrong", "look at its Redis and at its log")
    assert "session_id" in degraded["said"]


@contextmanager
def living(model: str, redis_url: str) -> Iterator[int]:
    """The port of a service with that model, in this process."""
    threads = torch.get_num_threads()
    bench = Bench([Path(model)], redis_url)
    live = Live(bench.serving())
    try:
        yield live.port
    finally:
        live.close()
        bench.catalogue.close()
        torch.set_num_threads(threads)


def test_a_service_that_is_not_there(run: Run) -> None:
    got = run("doctor", "--quiet", "--url", f"http://127.0.0.1:{free_port()}")
    assert got.status == 78
    assert "start it with `make serve`" in got.out
