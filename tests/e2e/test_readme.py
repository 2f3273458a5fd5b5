"""The README is true: its commands run and answer as shown, its targets and folders exist."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from cli.__main__ import main as undertone
from service.serving import RACES
from service.settings import Settings
from tests.e2e import readme
from tests.e2e.server import ROOT, Service
from training.__main__ import main as training


def test_the_commands_answer_as_shown(service: Service) -> None:
    answered = [block for block in readme.blocks() if block.kind is not None and not block.slow]
    assert len(answered) >= 10
    for block in answered:
        assert block.kind is not None
        got = readme.shape(readme.run(block.language, block.command, service), block.kind)
        assert got == readme.shape(block.answer, block.kind), block.command


def test_every_endpoint_has_an_example() -> None:
    commands = "".join(block.command for block in readme.blocks())
    for path in (
        "/v1/predict ", "/v1/predict_batch ", "/v1/stream ", "/v1/stream?", "ws://localhost:3000/", "/v1/sessions/",
        "/v1/models", "/v1/status", "/metrics", "/docs.json", "/readyz", "/livez", ":3000/predict ",
    ):  # fmt: skip
        assert path in commands, path
    assert "-X DELETE" in commands


def test_the_targets_and_modules_that_are_named_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / "README.md").read_text()
    for target in set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", text, re.M)):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for command in set(re.findall(r"python -m training ([a-z-]+)", text)):
        with pytest.raises(SystemExit) as ended:
            training([command, "--help"])
        assert ended.value.code == 0, command


def test_every_promise_of_a_session_names_tests_that_exist() -> None:
    promises = re.findall(r"(?m)^\d+\. .*(?:\n   .*)*", section("What a session promises"))
    assert len(promises) == 10
    folders = [ROOT / "tests" / name for name in ("e2e", "faults")]
    tests = "".join(path.read_text("utf-8") for folder in folders for path in folder.rglob("test_*.py"))
    for promise in promises:
        named = re.findall(r"`…(_\w+?)(?:…|`)", promise)
        assert named, f"no test holds this: {promise}"
        for name in named:
            assert len(set(re.findall(rf"(?m)^ *def (test\w*{name}\w*)", tests))) == 1, name


def test_the_races_that_a_request_may_lose_are_as_many_as_is_said() -> None:
    assert f"overtake {RACES} times in a row is 409" in " ".join(section("What a session promises").split())


def test_every_promise_names_files_that_exist() -> None:
    promises = re.findall(r"(?m)^\d+\. .*(?:\n   .*)*", section("What is promised"))
    assert len(promises) == 4
    for promise in promises:
        named = re.findall(r"`(tests/[\w/]+\.py)`", promise)
        assert named, f"no test holds this: {promise}"
        for path in named:
            assert (ROOT / path).is_file(), path


def section(title: str) -> str:
    return (ROOT / "README.md").read_text("utf-8").partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_folder_has_its_line() -> None:
    text = (ROOT / "README.md").read_text()
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    folders = {path.partition("/")[0] for path in listed if "/" in path}
    for folder in folders - {".ci"}:
        assert f"`{folder}/`" in text, folder


def test_every_setting_has_its_line() -> None:
    source = (ROOT / "service" / "settings.py").read_text()
    text = (ROOT / "README.md").read_text()
    variables = set(re.findall(r'"((?:UNDERTONE_|REDIS_)[A-Z_]+)"', source))
    assert len(variables) > 10
    for variable in variables:
        assert f"`{variable}" in text, variable
    table = dict(re.findall(r"^\| `(UNDERTONE_[A-Z_]+)` \| `?([^|`]*?)`? \|", text, re.M))
    defaults = Settings()
    assert float(table["UNDERTONE_MAX_TEXT"].replace(",", "")) == defaults.max_text
    assert float(table["UNDERTONE_MAX_STREAM"]) == defaults.max_stream
    assert float(table["UNDERTONE_MAX_FRAME"]) == defaults.max_frame
    assert float(table["UNDERTONE_FRAME_RATE"]) == pytest.approx(defaults.frame_rate)
    assert float(table["UNDERTONE_IDLE"]) == pytest.approx(defaults.idle)
    assert float(table["UNDERTONE_MAX_BODY"].replace(",", "")) == defaults.max_body
    assert float(table["UNDERTONE_SESSION_TTL"].replace(",", "")) == defaults.session_ttl
    assert float(table["UNDERTONE_REDIS_TIMEOUT"]) == pytest.approx(defaults.redis_timeout)


def test_the_pictures_are_there_and_are_not_empty() -> None:
    begins = {".png": b"\x89PNG", ".svg": b"<svg "}
    paths = [ROOT / path for path in re.findall(r"!\[[^]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text())]
    assert {path.suffix for path in paths} == begins.keys()
    for path in paths:
        assert path.read_bytes().startswith(begins[path.suffix]), path


def test_the_picture_of_a_terminal_shows_what_the_models_say_today(capfd: pytest.CaptureFixture[str]) -> None:
    made = re.search(r"`undertone watch (--task \w+) --svg (\S+) (\S+)`", (ROOT / "README.md").read_text("utf-8"))
    assert made is not None
    assert undertone(["watch", "--json", *made[1].split(), str(ROOT / made[3])]) == 0
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    drawn = re.findall(r"([\d.]+%)&#160;<", (ROOT / made[2]).read_text("utf-8"))
    assert drawn == [f"{one['probability']:.1%}" for one in said]
