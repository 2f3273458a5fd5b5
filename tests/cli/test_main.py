"""Statuses, help, and what a command line may get wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cli.exits import status_of
from client import InvalidAnswer, Refused, Unreachable
from models.errors import ArtefactError, InvalidRequest
from tests.cli.conftest import TEXT, Run
from tests.e2e.server import free_port


@pytest.mark.parametrize("command", ["predict", "watch", "score", "doctor"])
def test_help_has_the_statuses_and_examples(run: Run, command: str) -> None:
    said = run(command, "--help")
    assert said.status == 0
    assert "exit status:" in said.out
    assert (f"undertone {command}" in said.out.partition("examples:")[2]) is (command != "doctor")
    assert command in run("--help").out


def test_help_needs_no_torch() -> None:
    code = (
        "import sys, contextlib\nfrom cli.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\nassert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 64, "the following arguments are required: COMMAND"),
        (["prdict"], 64, "invalid choice: 'prdict'"),
        (["predict", "--threshold", "1"], 64, "'1' is no number above 0 and below 1, and no fpr:RATE"),
        (["predict", "--json", "--quiet"], 64, "not allowed with argument"),
        (["predict", "x"], 64, "which task? Name one with --task (sentiment, spam)"),
        (["predict", "--task", "span", "x"], 64, "no model for task 'span', there are models for: sentiment, spam"),
        (["predict", "--model", "./nothing", "x"], 78, "there is no model in nothing"),
        (["predict", "--task", "spam", "--url", "localhost:3000", "x"], 64, "wanted is http://HOST:PORT"),
        (["predict", "--url", "http://localhost:3000", "x"], 64, "--url needs --task"),
        (["watch", "--follow", "--model", "MODEL"], 64, "--follow needs a FILE"),
        (["predict", "--model", "MODEL", "nothing"], 65, "nothing: it cannot be read: No such file"),
        (["watch", "--model", "MODEL", "nothing"], 66, "nothing: No such file"),
        (["predict", "--task", "sentiment", "--model", "MODEL", "x"], 64, "spam-gru does spam, not sentiment"),
        (["predict", "--model", "MODEL", "--threshold", "fpr:0.5", "x"], 64, "threshold is 'fpr:0.5', wanted is"),
        (["score", "--model", "MODEL", "nothing.csv", "-o", "x.csv"], 66, "nothing.csv: No such file"),
    ],
)
def test_what_cannot_be_is_said(run: Run, model: str, arguments: list[str], status: int, said: str) -> None:
    got = run(*(model if argument == "MODEL" else argument for argument in arguments))
    assert (got.status, got.out) == (status, "")
    assert said in got.err
    assert "Traceback" not in got.err


def test_a_damaged_model_is_a_fault_of_the_installation(run: Run, model: str, tmp_path: Path) -> None:
    for path in Path(model).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "vocabulary.txt").write_text("other\nwords\n")
    got = run("predict", "--model", tmp_path, "-")
    assert got.status == 78
    assert "a vocabulary of 2 words" in got.err


def test_a_service_that_is_not_there_is_for_later(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.asynchronous.FIRST_PAUSE", 0.001)
    (tmp_path / "a.txt").write_text(TEXT)
    got = run("predict", "--task", "spam", "--url", f"http://127.0.0.1:{free_port()}", tmp_path / "a.txt")
    assert got.status == 75
    assert "is the service there, and is the address right?" in got.err


def test_every_error_has_its_status() -> None:
    wanted = {401: 77, 403: 77, 400: 64, 429: 75, 503: 75}
    assert {status: status_of(Refused(status, "x", "")) for status in wanted} == wanted
    assert status_of(Refused(409, "conflict", "")) == 75
    assert [status_of(e) for e in (Unreachable(), InvalidAnswer(), ArtefactError(""), InvalidRequest(""))] == [
        75,
        75,
        78,
        64,
    ]
