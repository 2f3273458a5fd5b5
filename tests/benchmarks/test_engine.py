"""The benchmark of the engines compares before it times, and calls what differs wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import engine
from models.predictor import Predictor
from tests.models.tiny import artefact


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    artefact("gru").save(tmp_path / "spam-gru")
    return tmp_path / "spam-gru"


def test_it_prints_a_line_a_case(folder: Path) -> None:
    lines = list(engine.sentences(folder, rounds=1))
    assert [line.split("µs")[0].split() for line in lines] == [["1"], ["12"], ["64", "x", "1"]]
    assert all("torch" in line and "numpy" in line and "differing by" in line for line in lines)


def test_an_engine_that_is_wrong_is_not_timed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Predictor(artefact("gru", seed=1))
    both = engine.both(folder)
    monkeypatch.setattr(engine, "both", lambda _: both | {"numpy": other})
    assert all("WRONG" in line and "numpy" not in line for line in engine.sentences(folder, rounds=1))


def test_the_start_is_that_of_a_process_of_its_own(folder: Path) -> None:
    (line,) = engine.start("numpy", [folder])
    seconds, resident = (float(part.split()[0]) for part in line.split("   "))
    assert 0 < seconds < 60
    assert 10 < resident < 1000
