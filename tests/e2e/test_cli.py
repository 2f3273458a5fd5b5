"""The command line as people have it: in a terminal, through a real service, killed and started again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli import show
from cli.__main__ import main
from cli.remote import TEXTS
from cli.score import WINDOW
from tests.e2e.proxy import Hush, Proxy
from tests.e2e.server import ROOT, Service
from tests.e2e.terminal import Terminal
from tests.waiting import soon

COMMAND = (sys.executable, "-m", "cli")
TEXT = "Hello Anna, thank you for your order. Your account is suspended! Click here now to claim your free prize."
LINES = (
    "Hello Anna, thank you for your order.",
    "Your account is suspended!",
    "Click here now to claim your free prize.",
)


def undertone(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it in a process of its own."""
    command = [*COMMAND, *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_a_bar_comes_while_one_types_and_fits_the_window(service: Service) -> None:
    with Terminal([*COMMAND, "watch", "--task", "spam", "--url", service.url]) as terminal:
        terminal.type("Hello Anna, thank you for your order.\r")
        lines = terminal.until(lambda lines: any("█" in line and "Hello Anna" in line for line in lines))
        (first,) = (number for number, line in enumerate(lines) if "█" in line)
        (colour,) = terminal.colours(first) - {"default"}
        assert 0 < int(colour[:2], 16) < show.ALARM[0]
        terminal.resize(50)
        long = "Click here now to claim your free prize before it is too late for all of us"
        terminal.type(f"{long}\r")
        lines = terminal.until(lambda lines: any("█" in line and "…" in line for line in lines))
        bar = next(line for line in lines if "█" in line and "…" in line)
        assert len(bar) <= 50
        assert lines.index(bar) == len([line for line in lines if line]) - 1
        terminal.interrupt()
        assert terminal.end() == 130
        assert "after 2 sentences" in "".join(terminal.lines)
        assert "Traceback" not in "".join(terminal.lines)


def test_a_file_that_grows_is_followed_until_ctrl_c(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "chat.log"
    path.write_text(f"{LINES[0]}\n")
    with Terminal([*COMMAND, "watch", "--task", "spam", "--url", service.url, "--follow", str(path)]) as terminal:
        terminal.until(lambda lines: any("█" in line and LINES[0] in line for line in lines))
        assert not any(LINES[1] in line for line in terminal.lines)
        with path.open("a") as file:
            file.write(f"{LINES[1]}\n")
        terminal.until(lambda lines: any("█" in line and LINES[1] in line for line in lines))
        terminal.interrupt()
        assert terminal.end() == 130
        assert "after 2 sentences" in "".join(terminal.lines)
        assert "Traceback" not in "".join(terminal.lines)


def test_without_colour_where_nobody_wants_it(service: Service) -> None:
    ask = [*COMMAND, "watch", "--task", "spam", "--url", service.url]
    with Terminal(ask, environment={"NO_COLOR": "1"}) as terminal:
        terminal.type("Hello Anna.\r")
        lines = terminal.until(lambda lines: any("█" in line for line in lines))
        (first,) = (number for number, line in enumerate(lines) if "█" in line)
        assert terminal.colours(first) == {"default"}
        terminal.type("\x04")
        assert terminal.end() == 0


def test_in_a_pipe_there_are_no_escapes_and_no_sentence_is_cut(service: Service) -> None:
    long = "word " * 100
    done = subprocess.run(
        [*COMMAND, "watch", "--task", "spam", "--url", service.url],
        cwd=ROOT,
        input=f"{long}\n".encode(),
        capture_output=True,
        check=True,
    )
    assert b"\x1b" not in done.stdout
    assert long.strip() in done.stdout.decode()
    ascii_only = undertone(
        "predict", "--task", "spam", "--url", service.url, "README.md", PYTHONIOENCODING="ascii:replace"
    )
    assert "#" in ascii_only.stdout
    assert "█" not in ascii_only.stdout


def test_bulk_shows_a_bar_with_rate_and_time_left(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": f"{TEXT} {n}"}) + "\n" for n in range(3000)))
    files = [str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "b.jsonl")]

    def has_rate_and_time(line: str) -> bool:
        return "512/3000" in line and "/s" in line and re.search(r"\d:\d\d:\d\d", line) is not None

    # After two windows it waits, however long the bar takes to be seen.
    with Proxy(service.port, [Hush(after_windows(2))]) as proxy:
        ask = ["score", "--task", "spam", "--url", proxy.url, *files]
        with Terminal([*COMMAND, *ask], columns=100) as terminal:
            lines = terminal.until(lambda lines: any(map(has_rate_and_time, lines)))
            assert any("━" in line for line in lines)
            terminal.interrupt()
            assert terminal.end() == 130
            assert "the same command goes on from there" in "".join(terminal.screen.display)
    assert (tmp_path / "b.jsonl.part").read_bytes().count(b"\n") - 1 == 512


def after_windows(number: int) -> int:
    """Answers after which so many windows are scored, and a part of the next: the models, and four of each window."""
    return 1 + number * WINDOW // TEXTS + 2


def test_a_killed_run_goes_on_and_gives_the_table_of_one_that_was_not(service: Service, tmp_path: Path) -> None:
    texts = [f"{TEXT[: 20 + n % 80]} {n}" for n in range(2000)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    part = tmp_path / "killed.jsonl.part"

    def ask(url: str, output: Path) -> list[str]:
        return ["score", "--json", "--task", "spam", "--url", url, str(tmp_path / "a.jsonl"), "-o", str(output)]

    with (
        Proxy(service.port, [Hush(after_windows(1))]) as proxy,
        subprocess.Popen([*COMMAND, *ask(proxy.url, tmp_path / "killed.jsonl")], cwd=ROOT) as process,
    ):
        soon(lambda: part.exists() and part.read_bytes().count(b"\n") == 1 + WINDOW, "a window is scored")
        process.kill()
    assert not (tmp_path / "killed.jsonl").exists()
    resumed = undertone(*ask(service.url, tmp_path / "killed.jsonl"))
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["resumed"] == WINDOW
    assert main(ask(service.url, tmp_path / "whole.jsonl")) == 0
    killed, whole = (
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        for name in ("killed.jsonl", "whole.jsonl")
    )
    assert [row["number"] for row in killed] == list(range(1, 2001))
    assert [row["probability"] for row in killed] == pytest.approx([row["probability"] for row in whole], abs=1e-5)


def test_here_and_there_the_answers_are_those_of_the_api(
    service: Service, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    body = {"text": TEXT, "task": "spam", "threshold": "fpr:0.01"}
    wanted = service.post("/v1/predict", json=body).json()
    ask = ["--json", "--task", "spam", "--threshold", "fpr:0.01", str(tmp_path / "a.txt")]
    for where in ([], ["--url", service.url]):
        assert main(["predict", *where, *ask]) == 0
        got = json.loads(capfd.readouterr().out)
        assert got.pop("file") == str(tmp_path / "a.txt")
        assert got.keys() == wanted.keys()
        assert {name: got[name] for name in got if name not in ("sentences", "probabilities")} == {
            name: pytest.approx(value, abs=1e-5) if isinstance(value, float) else value
            for name, value in wanted.items()
            if name not in ("sentences", "probabilities")
        }
        for mine, theirs in zip(got["sentences"], wanted["sentences"], strict=True):
            assert mine == pytest.approx(theirs, abs=1e-5)
        assert main(["watch", *where, *ask]) == 0
        bars = [json.loads(line)["probability"] for line in capfd.readouterr().out.splitlines()]
        assert bars == pytest.approx([s["probability"] for s in wanted["sentences"]], abs=1e-5)


def test_a_session_is_not_left_behind(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    with Proxy(service.port, []) as proxy:
        assert main(["watch", "--quiet", "--task", "spam", "--url", proxy.url, str(tmp_path / "a.txt")]) == 0
        sent = b"".join(proxy.requests)
    assert b"DELETE /v1/sessions/watch-" in sent
    name = sent.partition(b"DELETE /v1/sessions/")[2].partition(b"?")[0].decode()
    assert service.get(f"/v1/sessions/{name}?task=spam").status_code == 404


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--task", "span"], 64, "no model for task 'span' is loaded"),
        (["--task", "spam", "--model", "other"], 64, "no model 'other' for task 'spam' is loaded"),
        (["--task", "spam", "--threshold", "fpr:0.77"], 64, "threshold is 'fpr:0.77'"),
    ],
)
def test_what_the_service_refuses(
    service: Service, capfd: pytest.CaptureFixture[str], arguments: list[str], status: int, said: str
) -> None:
    assert main(["predict", *arguments, "--url", service.url, "LICENSE"]) == status
    assert said in capfd.readouterr().err


def test_a_key_that_is_wanted(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    body = b'{"error": {"code": "unauthorized", "message": "this service wants an API key"}}'
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
    with Proxy(service.port, [refused]) as proxy:
        assert main(["predict", "--task", "spam", "--url", proxy.url, "LICENSE"]) == 77
    assert "this service wants an API key" in capfd.readouterr().err


def test_the_doctor_looks_at_a_service(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json", "--url", service.url]) == 0
    findings = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [f["state"] for f in findings if f["what"] == "service"] == ["ok"] * 5


def test_nobody_reads_on(service: Service, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"{TEXT}\n" * 1000)
    ask = [*COMMAND, "predict", "--task", "spam", "--url", service.url, str(tmp_path / "a.txt")]
    with subprocess.Popen(ask, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_it_is_installed_under_its_name() -> None:
    done = subprocess.run([Path(sys.executable).with_name("undertone"), "--help"], capture_output=True, check=False)
    assert done.returncode == 0
    assert done.stdout.startswith(b"usage: undertone")
