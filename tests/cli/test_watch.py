"""Lines as they come: from standard input, a file, and one that grows and is replaced."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from cli import watch
from tests.cli.conftest import TEXT, Run
from tests.cli.test_predict import feed
from tests.waiting import eventually

LINES = ["The cat sat on the film.", "You won free money!", "", "Click, click, click. Is the cat good?", "end"]


def test_lines_are_one_conversation(run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("\n\n".join(LINES))
    whole = run("predict", "--json", "--model", model, tmp_path / "a.txt").lines[0]
    feed(monkeypatch, "\n".join(LINES).encode())
    got = run("watch", "--json", "--model", model)
    assert got.status == 0
    assert [said["index"] for said in got.lines] == list(range(5))
    wanted = [sentence["probability"] for sentence in whole["sentences"]]
    assert [said["probability"] for said in got.lines] == pytest.approx(wanted, abs=1e-5)
    assert [said["text"] for said in got.lines][2:4] == ["Click, click, click.", "Is the cat good?"]


def test_a_bar_each_and_how_it_ended(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"The cat\nYou w\xffn\n")
    got = run("watch", "--model", model, tmp_path / "a.txt")
    assert [line.rpartition("  ")[2].strip() for line in got.out.splitlines()] == ["The cat", "You w�n"]
    assert "after 2 sentences" in got.err


def test_quietly_the_status_is_the_answer(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "empty.txt").touch()
    ask = ("watch", "--quiet", "--model", model)
    p = run("watch", "--json", "--model", model, tmp_path / "a.txt").lines[-1]["probability"]
    assert run(*ask, "--threshold", str(p - 0.01), tmp_path / "a.txt") == (0, "", "")
    assert run(*ask, "--threshold", str(p + 0.01), tmp_path / "a.txt") == (1, "", "")
    assert run(*ask, tmp_path / "empty.txt") == (1, "", "")


def test_a_picture_is_drawn(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The cat <sat> & won")
    assert run("watch", "--model", model, "--svg", tmp_path / "a.svg", tmp_path / "a.txt").status == 0
    drawn = (tmp_path / "a.svg").read_text()
    assert drawn.startswith("<svg")
    assert "&lt;sat&gt;" in drawn
    assert "url(" not in drawn.replace("url(#", "")
    got = run("watch", "--model", model, "--svg", tmp_path / "no" / "a.svg", tmp_path / "a.txt")
    assert got.status == 73


def test_a_file_is_followed_through_rotation(tmp_path: Path) -> None:
    path = tmp_path / "chat.log"
    path.write_text("one\ntw")
    got: list[str] = []

    def follow() -> None:
        for line in watch._followed(path):
            got.append(line)
            if line == "end\n":
                return

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()

    def come(*lines: str) -> None:
        eventually(lambda: got == list(lines), f"{lines} have come, not {got}")

    come("one\n")
    with path.open("a") as file:
        file.write("o\n")
    come("one\n", "two\n")
    path.rename(tmp_path / "chat.log.1")
    time.sleep(watch.PAUSE * 2)
    path.write_text("three\n")
    come("one\n", "two\n", "three\n")
    os.truncate(path, 0)
    time.sleep(watch.PAUSE * 3)
    with path.open("a") as file:
        file.write("end\n")
    thread.join(20)
    assert got == ["one\n", "two\n", "three\n", "end\n"]


def test_a_line_without_end_is_taken_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LINE", 4)
    (tmp_path / "a").write_text("abcdefgh\nij")
    assert list(watch._lines(str(tmp_path / "a"), follow=False)) == ["abcd", "efgh", "\n", "ij"]
