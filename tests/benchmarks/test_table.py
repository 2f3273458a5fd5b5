"""What a run found: the same after a trip through JSON, and a target says what it is missed by."""

from __future__ import annotations

import doctest
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import profile, table
from benchmarks.head import head
from benchmarks.table import Found, Line, Spread, Target


def found() -> Found:
    lines = [
        Line("1 a row", "ours", {"requests/s": Spread.of([3, 1, 2]), "p99 ms": Spread.of([12345.6])}),
        Line("1 a row", "theirs", {"requests/s": Spread.of([0.5])}, ours=False),
        Line("1 a row", "another", {}, "differs by 1.0e-02", ours=False),
    ]
    targets = [
        Target("1 a row", "speed", 5.0, 4.0, " x", least=True),
        Target("1 a row", "ms", 6.0, 4.0, "", least=False),
    ]
    return Found({"when": "now"}, lines, targets)


def test_a_spread_is_the_median_of_the_rounds_and_both_ends() -> None:
    assert Spread.of([5, 1, 3, 100, 2]) == (3, 1, 100)


def test_it_is_the_same_after_json(tmp_path: Path) -> None:
    found().save(tmp_path / "results.json")
    assert Found.load(tmp_path / "results.json") == found()


def test_the_table_shows_what_is_wrong_and_not_how_fast_it_was() -> None:
    text = found().text().splitlines()
    (ours,) = (line for line in text if line.startswith("  ours"))
    assert ours.split() == ["ours", "2", "(1", "to", "3)", "12,346"]
    (another,) = (line for line in text if line.startswith("  another"))
    assert another.split(maxsplit=1)[1] == "WRONG: differs by 1.0e-02"


def test_a_target_is_met_or_missed_by_so_much() -> None:
    met, missed = (line for line in found().text().splitlines() if line.startswith("  1 a row: "))
    assert met.endswith("at least 4 x           5 x  met")
    assert missed.endswith("MISSED by 50%")


def test_a_note_stands_behind_the_figures_or_in_their_place() -> None:
    lines = [
        Line("6 a row", "alone", {"ms": Spread.of([5])}, note="disturbed"),
        Line("7 a row", "all of it", {}, note="not there"),
    ]
    text = Found({}, lines).text().splitlines()
    assert text == ["", "6 a row", "         ms", "  alone   5  disturbed", "", "7 a row", "  all of it  not there"]


def run(date: str, *rows: str) -> Found:
    lines = [Line(f"{row} of", date, {"ms": Spread.of([1])}) for row in rows]
    targets = [Target(f"{row} of", date, 1, 1, "", least=True) for row in rows]
    return Found({"date": date, "commit": "c", "machine": "m"}, lines, targets)


def test_a_row_that_is_measured_again_takes_the_place_of_its_own_and_of_no_other() -> None:
    whole = run("monday", "1", "2", "6")
    found = whole.updated(run("tuesday", "2", "7"))
    assert [(line.row[0], line.name) for line in found.lines] == [
        ("1", "monday"), ("2", "tuesday"), ("6", "monday"), ("7", "tuesday"),
    ]  # fmt: skip
    assert [target.what for target in found.targets] == ["monday", "tuesday", "monday", "tuesday"]

    one = whole.updated(run("tuesday", "6"))
    assert one.head == whole.head | {"row 6": "tuesday, commit c, m"}
    # A whole run afterwards leaves what it does not measure, and says from when that is.
    again = one.updated(run("friday", "7")).updated(run("sunday", "1", "2", "6"))
    assert again.head == run("sunday").head | {"row 7": "friday, commit c, m"}
    assert {line.row[0]: line.name for line in again.lines} == {
        "1": "sunday",
        "2": "sunday",
        "6": "sunday",
        "7": "friday",
    }


def test_a_figure_is_found_or_is_not_there() -> None:
    assert found().median("1 a row", "ours", "p99 ms") == 12345.6
    assert found().median("1 a row", "nobody", "p99 ms") is None


def test_the_head_says_when_where_and_with_what() -> None:
    said = head(5, 2)
    assert said.keys() == {"date", "commit", "machine", "versions", "how"}
    assert {"bentoml", "pydantic", "redis-py", "valkey"} <= {each.split()[0] for each in said["versions"].split(", ")}


def test_what_was_measured_before_is_no_change_of_what_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    results, code = tmp_path / "benchmarks" / "results.json", tmp_path / "code.py"
    for file in (results, code):
        file.write_text("1")
    who = ("-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "One")):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    monkeypatch.setattr("benchmarks.head.ROOT", tmp_path)
    results.write_text("2")
    commit = head(5, 2)["commit"]
    assert re.fullmatch("[0-9a-f]{7,}", commit)
    code.write_text("2")
    assert head(5, 2)["commit"] == f"{commit}-dirty"


@pytest.mark.parametrize("module", [table, profile])
def test_the_examples_are_right(module: ModuleType) -> None:
    ran = doctest.testmod(module)
    assert ran.attempted > 0
    assert ran.failed == 0
