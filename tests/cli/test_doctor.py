"""What the doctor finds, and what it says should be done."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from service.embedded import EmbeddedRedis
from tests.cli.conftest import Run
from tests.e2e.server import free_port

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


def test_redis(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTONE_STATE_KEY", KEY)
    server = EmbeddedRedis()
    try:
        monkeypatch.setenv("REDIS_URL", server.url)
        assert [line["state"] for line in run("doctor", "--json").lines if line["what"] == "redis"] == ["ok"]
    finally:
        server.stop()
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{free_port()}")
    got = run("doctor", "--quiet")
    assert got.status == 78
    assert "it does not answer (ConnectionError)" in got.out
    assert "start it, or mend REDIS_URL" in got.out
    assert "secret" not in got.out + got.err


def test_a_service_that_is_not_there(run: Run) -> None:
    got = run("doctor", "--quiet", "--url", f"http://127.0.0.1:{free_port()}")
    assert got.status == 78
    assert "start it with `make serve`" in got.out
