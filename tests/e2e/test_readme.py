"""The README is true: its commands run and answer as shown, its targets and folders exist."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image

from cli.__main__ import main as undertone
from models import shipped
from models.artefact import CONFIG, REPORT, digest
from service.guard import OTHER, template
from service.outcomes import ANSWERS
from service.serving import RACES
from service.settings import Settings
from tests.e2e import readme
from tests.e2e.server import ROOT, Service
from training.arguments import parser as training
from training.draw import SHOWN, draw

MEND: Final = "`python -m tests.e2e.readme` brings the README up to date"
PAGES: Final = {"/", "/docs", "/console/{name}", "/healthz", OTHER}
"""What nobody asks by curl, and readyz under its older name."""


@pytest.mark.parametrize("curl", [False, pytest.param(True, marks=pytest.mark.tools)], ids=["no curl", "curl"])
def test_the_commands_answer_as_shown(service: Service, curl: bool) -> None:
    answered = [block for block in readme.blocks() if block.kind is not None and not block.slow]
    assert len(answered) >= 15
    for block in answered:
        if ("curl" in block.command) is not curl:
            continue
        assert block.kind is not None
        got = readme.shape(readme.run(block.language, block.command, service), block.kind)
        assert got == readme.shape(block.answer, block.kind), (
            f"{MEND}, unless this should not answer so: {block.command}"
        )


@pytest.mark.parametrize(
    ("shown", "got"),
    [
        ('{"label": "spam"}', '{"label": "ham"}'),
        ('{"error": {"code": "unknown_task"}}', '{"error": {"code": "internal"}}'),
        ('{"sentences": [{"index": 0}, {"index": 1}]}', '{"sentences": [{"index": 0}]}'),
        ('{"warnings": []}', '{"warnings": ["no_words"]}'),
        ('{"created": false, "step": 2}', '{"created": true, "step": 2}'),
        ('{"created": false, "step": 2}', '{"created": false, "step": 1}'),
        ('{"threshold": 0.5}', '{"threshold": null}'),
        ('{"threshold": 0.5}', '{"thresholds": 0.5}'),
        ('data: {"reason": "end"}', 'data: {"reason": "decided"}'),
        ("readyz 200", "readyz 503"),
        ("2,ham,0.0071,1", "2,spam,0.0071,1"),
    ],
)
def test_what_differs_in_more_than_a_measured_number_is_another_answer(shown: str, got: str) -> None:
    kind = "json" if shown.startswith("{") else "text"
    assert readme.shape(shown, kind) == readme.shape(shown, kind) != readme.shape(got, kind)


def test_what_is_measured_may_differ() -> None:
    shown = '{"digest": "sha256:%s", "p": %s, "state": [%s], "at": "2026-11-%s:00Z"}'
    a = shown % ("ab" * 32, "0.25", "-0.5, 1e-05, …", "26T02:07")
    assert readme.shape(a, "json") == readme.shape(shown % ("cd" * 32, "7.4e-06", "0.5, -1.0, 0.1", "27T11:17"), "json")
    assert readme.shape("p 81.9% █▎ a", "text") == readme.shape("p 7.25% █████ a", "text")


def test_every_endpoint_has_an_example() -> None:
    commands = "".join(block.command for block in readme.blocks())
    asked = {("/v1/stream", "WEBSOCKET")} if "ws://localhost:3000/v1/stream?" in commands else set()
    for curl in re.split(r"\bcurl\b", commands)[1:]:
        path = re.search(r"localhost:3000(/[^\s?']*)", curl)
        assert path is not None, curl
        sends = re.search(r" (?:-d|--data-binary|-T) ", curl)
        asked.add((template(path[1]), "DELETE" if "-X DELETE" in curl else "POST" if sends else "GET"))
    assert {key for key in ANSWERS if key[0] not in PAGES} <= asked


def test_the_targets_and_modules_that_are_named_exist_and_take_what_is_said() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = (ROOT / "README.md").read_text()
    for target, variables in re.findall(r"(?:^|`)make ([a-z][a-z-]+)((?: +[A-Z_]+=\S*)*)", text, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
        for variable in re.findall("[A-Z_]+(?==)", variables):
            assert re.search(rf"^{variable} [?]=", makefile, re.M), variable
    commands = re.findall(r"python -m ([\w.]+)([^`\n]*)", text)
    assert len(commands) > 15
    for module, arguments in commands:
        if module == "training":
            continue  # its own parser reads them, below
        found = importlib.util.find_spec(module)
        assert found is not None, f"there is no {module}"
        if found.submodule_search_locations is not None:
            found = importlib.util.find_spec(f"{module}.__main__")
            assert found is not None, f"{module} cannot be run"
        known = re.findall('"(--[a-z-]+)"', Path(str(found.origin)).read_text("utf-8"))
        for flag in re.findall(r"--[a-z-]+", arguments):
            assert flag in known, f"{module} takes no {flag}"
    for arguments in {arguments for module, arguments in commands if module == "training"}:
        parsed = training().parse_args(arguments.split())
        assert parsed.command == arguments.split()[0]


def test_every_digest_is_that_of_the_shipped_model_which_is_named_with_it() -> None:
    named = re.findall(r'"name": ?"([\w-]+)",[^{}]*?"digest": ?"(sha256:\w+)"', text())
    named += [(name, shown) for shown, name in re.findall(r'digest="(sha256:\w+)",model="([\w-]+)"', text())]
    assert len(named) == len(re.findall("sha256:[0-9a-f]{64}", text())) > 10
    for name, shown in named:
        assert shown == digest(shipped.folder(name)), f"{name} was trained again since: {MEND}"


def test_the_table_of_accuracies_is_that_of_the_reports() -> None:
    (table,) = [block.answer for block in readme.blocks() if block.command == readme.ACCURACIES]
    assert table == readme.accuracies(), f"a model was trained or measured again since: {MEND}"


def test_the_figures_of_a_model_are_those_of_its_report() -> None:
    (answer,) = [block.answer for block in readme.blocks() if "/v1/models |" in block.command]
    said = json.loads(answer)
    folder = shipped.folder(said["name"])
    config = tomllib.loads((folder / CONFIG).read_text("utf-8"))
    assert said["thresholds"] == config["thresholds"], MEND
    for name, figures in report(said["name"])["test"].items():
        wanted = {figure: value for figure, value in figures.items() if isinstance(value, int | float)}
        assert said["test"].pop(name) == wanted, MEND
    assert said["test"] == {}


def test_the_shipped_models_are_each_one_of_the_seeds() -> None:
    shown = r"seeds training/recipes/([\w-]+)\.toml [^\n]*\n```\n\n```text\n(.*?)```"
    tables = dict(re.findall(shown, text(), re.S))
    assert tables.keys() == set(shipped.DEFAULTS)
    for recipe, table in tables.items():
        tests = report(recipe)["test"]
        for line in table.splitlines()[1:]:
            name, *cells = re.split("  +", line)
            if name in tests:
                lowest, highest = (float(cell.strip("%")) / 100 for cell in cells[3:5])
                assert lowest - 5e-5 <= tests.pop(name)["accuracy"] <= highest + 5e-5, (
                    f"{recipe} was trained again since: `python -m training seeds` prints the table, of which it is one"
                )
        assert tests == {}


def report(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))
    return found


def text() -> str:
    return readme.README.read_text("utf-8")


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


def test_the_picture_of_a_message_shows_what_its_model_says_today(tmp_path: Path) -> None:
    command, path = re.findall(r"`python -m training (draw \S+ (\S+))`", text())[0]
    asked = training().parse_args(command.split())
    draw((ROOT / asked.text).read_text("utf-8"), asked.artefact, tmp_path / "today.png")
    with Image.open(ROOT / path) as shown, Image.open(tmp_path / "today.png") as today:
        assert digest(asked.artefact) in today.info[SHOWN]
        assert shown.info.get(SHOWN) == today.info[SHOWN], f"`python -m training {command}` makes it anew"


def test_the_picture_of_a_terminal_shows_what_the_models_say_today(capfd: pytest.CaptureFixture[str]) -> None:
    made = re.search(r"`undertone watch (--task \w+) --svg (\S+) (\S+)`", (ROOT / "README.md").read_text("utf-8"))
    assert made is not None
    assert undertone(["watch", "--json", *made[1].split(), str(ROOT / made[3])]) == 0
    said = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    drawn = re.findall(r"([\d.]+%)&#160;<", (ROOT / made[2]).read_text("utf-8"))
    assert drawn == [f"{one['probability']:.1%}" for one in said]
