"""Whole texts, from files and standard input, in process."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import pytest

from models.artefact import load
from models.predictor import Predictor
from models.sentences import split
from tests.cli.conftest import TEXT, Run

MAIL = (
    b"From: Anna <anna@a.example>\nSubject: =?utf-8?q?You_won?=\nMIME-Version: 1.0\n"
    b"Content-Type: text/html; charset=utf-8\n\n<p>The <b>money</b> is free.</p>"
)


def feed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_the_scores_are_those_of_the_predictor(run: Run, model: str, tmp_path: Path) -> None:
    texts = {str(tmp_path / f"{n}.txt"): TEXT * (n + 1) for n in range(5)}
    for name, text in texts.items():
        Path(name).write_text(text)
    got = run("predict", "--json", "--model", model, *texts)
    assert got.status == 0
    predictor = Predictor(load(Path(model)))
    for said, (name, text) in zip(got.lines, texts.items(), strict=True):
        sentences = split(text)
        (alone,) = predictor.advance([(None, [s.text for s in sentences])])
        wanted = [step.probabilities[-1] for step in alone.steps]  # type: ignore[union-attr]
        assert said["file"] == name
        assert [s["probability"] for s in said["sentences"]] == pytest.approx(wanted, abs=1e-5)
        assert [(s["offset"], s["length"]) for s in said["sentences"]] == [(s.offset, s.length) for s in sentences]
        assert said["probability"] == said["sentences"][-1]["probability"]


def test_a_long_text_is_scored_in_turns_and_whole(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(TEXT.replace("end", "end.\n\n") * 60)
    said = run("predict", "--json", "--model", model, tmp_path / "long.txt").lines[0]
    assert [s["index"] for s in said["sentences"]] == list(range(300))
    deltas = sum(s["delta"] for s in said["sentences"])
    p = said["probability"]
    assert said["prior"] + deltas == pytest.approx(math.log(p / (1 - p)), abs=1e-4)


def test_people_see_a_head_and_a_bar_a_sentence(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    head, *bars = run("predict", "--model", model, tmp_path / "a.txt").out.splitlines()
    assert head.startswith(f"{tmp_path}/a.txt: ")
    assert head.endswith("(spam-gru)")
    assert [bar.rpartition("  ")[2].strip() for bar in bars] == [s.text for s in split(TEXT)]


def test_standard_input_is_read_where_nothing_is_named(run: Run, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(monkeypatch, TEXT.encode())
    assert len(run("predict", "--json", "--model", model).lines[0]["sentences"]) == 5
    assert run("predict", "--model", model, "-", "-").status == 65


def test_a_message_is_read_as_mail(run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.eml").write_bytes(MAIL)
    feed(monkeypatch, MAIL)
    by_name, by_option = (
        run("predict", "--model", model, tmp_path / "a.eml"),
        run("predict", "--model", model, "--mail"),
    )
    for said in (by_name, by_option):
        assert "You won" in said.out
        assert "The money is free." in said.out
        assert "anna@" not in said.out


def test_quietly_the_status_is_the_answer(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    p = run("predict", "--json", "--model", model, tmp_path / "a.txt").lines[0]["probability"]
    for threshold, status in ((p - 0.01, 0), (p + 0.01, 1)):
        said = run("predict", "--quiet", "--model", model, "--threshold", str(threshold), tmp_path / "a.txt")
        assert said == (status, "", "")


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "empty_text"), (b" \n\t", "empty_text"), (b"\xff\xfe\x00", "invalid_encoding"), (None, "no_input")],
)
def test_a_bad_file_does_not_fail_its_neighbours(
    run: Run, model: str, tmp_path: Path, raw: bytes | None, code: str
) -> None:
    (tmp_path / "good.txt").write_text(TEXT)
    if raw is not None:
        (tmp_path / "bad.txt").write_bytes(raw)
    got = run("predict", "--json", "--model", model, tmp_path / "bad.txt", tmp_path / "good.txt")
    bad, good = got.lines
    assert (got.status, bad["error"]["code"]) == (65, code)
    assert len(good["sentences"]) == 5
    said = run("predict", "--quiet", "--model", model, tmp_path / "bad.txt", tmp_path / "good.txt")
    assert (said.status, said.out) == (65, "")
    assert "bad.txt: " in said.err


def test_a_text_cannot_steer_the_terminal(run: Run, model: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("You won \x1b]0;owned\x07 money \x1b[2J free \u202e now \x9b31m!\r\x08")
    out = run("predict", "--model", model, tmp_path / "a.txt").out
    assert not {"\x1b", "\x07", "\u202e", "\x9b", "\r", "\x08"} & set(out)
