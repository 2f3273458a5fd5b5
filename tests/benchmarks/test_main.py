"""`python -m benchmarks`: the README shows the last run, and a small run comes to its end with its promises kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from safetensors.numpy import load_file

from benchmarks import neighbours, predict, soak, start, streaming
from benchmarks.__main__ import README, RESULTS, measured, printed, shown
from benchmarks.picture import draw
from benchmarks.server import Server
from benchmarks.table import Found
from models import shipped
from models.artefact import WEIGHTS


@pytest.fixture
def _all_cores_afterwards() -> Iterator[None]:
    cores = os.sched_getaffinity(0)
    yield
    os.sched_setaffinity(0, cores)


def test_the_readme_shows_the_last_run() -> None:
    text = README.read_text("utf-8")
    found = Found.load(RESULTS)
    assert shown(text, printed(found)) == text, "`python -m benchmarks --readme` puts it in"
    for line in found.lines:
        assert re.search(rf"^  {re.escape(line.name)} ", text, re.M), line.name


def test_what_folded_tables_would_hold_is_what_the_readme_says() -> None:
    weights = load_file(shipped.folder("spam-gru") / WEIGHTS)
    rows, embedding = weights["inner.encoder.embedding.weight"].shape
    plain = rows * embedding * 4 / 1e6
    folded = rows * len(weights["inner.cells.0.weight_ih"]) * 4 / 1e6
    assert f"{folded:.0f} MB of tables in place of {plain:.0f} (288 sums" in README.read_text("utf-8")


def test_a_readme_without_a_place_for_it_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times"):
        shown("```bash\nmake test\n```\n", {"make bench": ""})


def test_the_picture_shows_what_can_be_compared(tmp_path: Path) -> None:
    draw(Found.load(RESULTS), tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.tools
@pytest.mark.usefixtures("_all_cores_afterwards")
def test_a_small_run_of_a_row() -> None:
    found = measured(["sessions"], rounds=1, seconds=2)
    assert not [line for line in found.lines if line.wrong]
    of = {line.name: line.figures for line in found.lines if "requests/s" in line.figures}
    assert len(of) == 5
    assert all(
        figures["% of the core"].median > 0 for name, figures in of.items() if "client" in name and "x" not in name
    )
    one, three = of["in a session, 1 client"], of["3 x one client would be"]
    assert three["requests/s"].median == 3 * one["requests/s"].median
    assert three["CPU µs"].median == pytest.approx(1e6 / three["requests/s"].median)
    (trips,) = (target for target in found.targets if target.what == "round trips to Redis")
    assert trips.got == 2
    assert trips.met


@pytest.mark.tools
@pytest.mark.usefixtures("_all_cores_afterwards")
def test_each_other_row_comes_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "PEERS", {"BentoML as it comes": predict.PEERS["BentoML as it comes"]})
    monkeypatch.setattr(predict, "COMPARED", 5)
    monkeypatch.setattr(streaming, "DEPTHS", (1, 20))
    monkeypatch.setattr(streaming, "STEPS", 5)
    monkeypatch.setattr(streaming, "FIRSTS", 3)
    monkeypatch.setattr(start, "SENTENCES", (1, 20))
    monkeypatch.setattr(neighbours, "LARGE", 20_000)
    monkeypatch.setattr(neighbours, "DISTURBED", 0.0)
    monkeypatch.setattr(neighbours, "TRIES", 1)
    monkeypatch.setattr(soak, "SLICES", soak.FILLED)
    monkeypatch.setattr(soak, "SECONDS", 1)
    found = measured(["predict", "stream", "start", "neighbours", "soak"], rounds=1, seconds=1)
    assert not [line for line in found.lines if line.wrong]
    assert all(spread.median >= 0 for line in found.lines for spread in line.figures.values())
    assert {(target.row[0], target.what) for target in found.targets} >= {
        ("1", "of the ceiling's requests/s"),
        ("2", "CPU of each, event included"),
        ("2", "CPU at sentence 20 beside sentence 1"),
        ("5", "to /readyz"),
        ("6", "p99 beside large texts, over alone, which was disturbed"),
        ("7", "longest pause of the collector"),
    }
    (alone,) = (line for line in found.lines if line.name == "SMS alone")
    assert re.fullmatch(r"disturbed: its p50 is [\d.]+ x that of the same load in row 1", alone.note)
    (soaked,) = (line for line in found.lines if line.row[0] == "7")
    assert soaked.figures["requests"].median > 0


@pytest.mark.tools
@pytest.mark.usefixtures("_all_cores_afterwards")
def test_pauses_that_nobody_watches_are_not_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "WATCH", "open({file!r}, 'a').close()")
    with pytest.raises(RuntimeError, match="none was told"):
        measured(["soak"], rounds=1, seconds=1)


class Said:
    """A server's answers, whatever is asked."""

    def __init__(self, sentences: list[object]) -> None:
        self._sentences = sentences

    def post(self, *_: object) -> bytes:
        return json.dumps({"sentences": self._sentences}).encode()


@pytest.mark.parametrize(
    ("theirs", "wrong"),
    [([0.5], ""), ([0.6], "differs by 1.0e-01"), ([0.5, 0.5], "finds 2 sentences where there are 1")],
)
def test_a_peer_that_says_something_else_is_wrong(
    theirs: list[object], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "Client", lambda said: said)
    ours = Said([{"probability": 0.5}])
    assert predict._wrong(cast(Server, ours), cast(Server, Said(theirs)), "/predict") == wrong
