"""Mailboxes and tables into tables; errors in their rows; going on after an interruption."""

from __future__ import annotations

import csv
import json
import mailbox
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from cli import outputs, score
from cli.outputs import Journal, Row
from models.artefact import digest
from tests.cli.conftest import TEXT, Run
from tests.cli.test_predict import MAIL

TEXTS = [
    TEXT,
    "You won free money!",
    "",
    "The cat sat.",
    "Is the film good?",
    " ",
    *[f"The cat sat on {n}. Click!" for n in range(14)],
]
EMPTY = "empty_text: the text is empty, or blank: there has to be one visible character"


def write(path: Path, texts: list[str], column: str = "text") -> Path:
    rows = [{"id": f"r{n}", column: text} for n, text in enumerate(texts)]
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["id", column])
            writer.writeheader()
            writer.writerows(rows)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="") as file:
        as_read = list(csv.DictReader(file))
    whole, real = ("number", "sentences", "decided_at"), ("probability",)
    kinds: dict[str, Any] = dict.fromkeys(whole, int) | dict.fromkeys(real, float)
    return [{name: kinds.get(name, str)(text) if text else None for name, text in row.items()} for row in as_read]


@pytest.fixture
def alone(run: Run, model: str, tmp_path: Path) -> list[float | None]:
    """Each text's probability, scored by itself."""
    for number, text in enumerate(TEXTS):
        (tmp_path / f"{number}").write_text(text)
    got = run("predict", "--json", "--model", model, *(tmp_path / f"{n}" for n in range(len(TEXTS))))
    return [said.get("probability") for said in got.lines]


@pytest.mark.parametrize("source", ["a.csv", "a.jsonl", "a.parquet"])
@pytest.mark.parametrize("output", ["b.csv", "b.jsonl", "b.parquet"])
def test_a_table_of_any_kind(
    run: Run, model: str, tmp_path: Path, alone: list[float | None], source: str, output: str
) -> None:
    path = write(tmp_path / source, TEXTS)
    got = run("score", "--model", model, path, "-o", tmp_path / output)
    assert got.status == 65
    assert "20 documents, 2 of them with an error" in got.err
    rows = read(tmp_path / output)
    assert [row["number"] for row in rows] == list(range(1, 21))
    assert [row["id"] for row in rows] == [f"r{n}" for n in range(20)]
    assert [row["error"] for row in rows if row["error"]] == [EMPTY, EMPTY]
    assert [row["probability"] for row in rows] == pytest.approx(alone, abs=1e-5)
    assert rows[0]["sentences"] == 5
    assert rows[0]["decided_at"] is not None
    assert not list(tmp_path.glob("b.*.part"))
    assert not list(tmp_path.glob("b.*.new"))


def test_mailboxes(run: Run, model: str, tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "in.mbox")
    there = mailbox.Maildir(tmp_path / "in")
    for number in range(12):
        message = MAIL.replace(b"free", b"free %d" % number)
        message = message if number == 3 else b"Message-ID: <%d@a.example>\n" % number + message
        box.add(message)
        there.add(message)
    box.add(b"")
    box.close()
    assert run("score", "--model", model, tmp_path / "in.mbox", "-o", tmp_path / "a.jsonl").status == 65
    assert run("score", "--model", model, tmp_path / "in", "-o", tmp_path / "b.jsonl").status == 0
    *of_box, empty = read(tmp_path / "a.jsonl")
    of_folder = read(tmp_path / "b.jsonl")
    assert [row["id"] for row in of_box] == ["4" if n == 3 else f"<{n}@a.example>" for n in range(12)]
    assert empty["error"] == EMPTY
    assert {row["id"] for row in of_folder} == set(there.keys())
    # Whatever order the folder has, its messages are the same.
    assert sorted(row["probability"] for row in of_folder) == pytest.approx(
        sorted(row["probability"] for row in of_box), abs=1e-5
    )


def test_what_was_interrupted_goes_on(run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score, "WINDOW", 4)
    path = write(tmp_path / "a.csv", TEXTS)
    run("score", "--model", model, path, "-o", tmp_path / "whole.csv")
    add = Journal.add
    written: list[Row] = []

    def breaks(journal: Journal, rows: list[Row]) -> None:
        if len(written) == 8:
            raise KeyboardInterrupt
        add(journal, rows)
        written.extend(rows)

    monkeypatch.setattr(Journal, "add", breaks)
    got = run("score", "--model", model, path, "-o", tmp_path / "b.csv")
    assert got.status == 130
    assert "the same command goes on from there" in got.err
    assert not (tmp_path / "b.csv").exists()
    monkeypatch.setattr(Journal, "add", add)
    # What a kill leaves behind of a line.
    with (tmp_path / "b.csv.part").open("a") as file:
        file.write('{"number": 9, "id": "r8", "lab')
    got = run("score", "--json", "--model", model, path, "-o", tmp_path / "b.csv")
    assert got.lines == [{"documents": 20, "resumed": 8, "errors": 2}]
    once, again = read(tmp_path / "whole.csv"), read(tmp_path / "b.csv")
    assert [row | {"probability": None} for row in again] == [row | {"probability": None} for row in once]
    assert [row["probability"] for row in again] == pytest.approx([row["probability"] for row in once], abs=1e-5)


def test_a_journal_of_something_else_is_not_gone_on_with(run: Run, model: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TEXTS)
    ask = ("score", "--model", model, path, "-o", tmp_path / "b.csv")
    head = {"source": str(path), "column": "text", "model": "sha256:other", "threshold": 0.9}
    (tmp_path / "b.csv.part").write_text(json.dumps(head) + "\n")
    got = run(*ask)
    assert got.status == 73
    assert "was begun with another model, threshold: finish it as it was begun, or delete it" in got.err
    (tmp_path / "b.csv.part").unlink()
    journal = Journal(tmp_path / "b.csv", {"source": str(path), "column": "text", "model": "m", "threshold": None})
    got = run(*ask)
    assert (got.status, "another undertone is writing" in got.err) == (75, True)
    journal.close()


def test_a_source_that_has_changed_is_not_gone_on_with(run: Run, model: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TEXTS)
    run("score", "--model", model, path, "-o", tmp_path / "b.jsonl")
    head = {"source": str(path), "column": "text", "model": digest(Path(model)), "threshold": None}
    rows = (tmp_path / "b.jsonl").read_text().splitlines(keepends=True)[:8]
    (tmp_path / "b.jsonl.part").write_text(json.dumps(head) + "\n" + "".join(rows))
    write(path, TEXTS[1:])
    path.write_text(path.read_text().replace("r7,", "r77,"))
    got = run("score", "--model", model, path, "-o", tmp_path / "b.jsonl")
    assert got.status == 66
    assert "document 8 was 'r7' when it was scored, and is 'r77' now" in got.err


@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        ("a.csv", "body\nhello\n", 64, "no column 'text', its first line names: body"),
        ("a.csv", "", 64, "its first line names: none"),
        ("a.csv", 'text\n"hello\n', 64, "mend its quotes"),
        ("a.txt", "hello", 64, "is no mailbox, and its name does not end in .csv, .jsonl"),
    ],
)
def test_a_source_that_cannot_be_read(
    run: Run, model: str, tmp_path: Path, name: str, content: str, status: int, said: str
) -> None:
    (tmp_path / name).write_text(content)
    got = run("score", "--model", model, tmp_path / name, "-o", tmp_path / "b.csv")
    assert got.status == status
    assert said in got.err
    assert not (tmp_path / "b.csv").exists()


def test_bad_rows_are_rows(run: Run, model: str, tmp_path: Path) -> None:
    lines = [
        '{"text": "The cat"}',
        "nonsense",
        "[1]",
        '{"text": 3}',
        '{"body": "x"}',
        '{"text": "\\ud800"}',
        "",
        '{"text": "a\\u0000b"}',
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    assert run("score", "--model", model, tmp_path / "a.jsonl", "-o", tmp_path / "b.jsonl").status == 65
    rows = read(tmp_path / "b.jsonl")
    assert [row["error"] is None for row in rows] == [True, False, False, False, False, False, True]
    assert "it has body: name another with --column" in rows[4]["error"]
    assert [row["id"] for row in rows] == list("1234567")


def test_quietly_nothing_is_said_unless_a_row_is_wrong(run: Run, model: str, tmp_path: Path) -> None:
    good, bad = write(tmp_path / "good.csv", ["The cat sat.", "You won"]), write(tmp_path / "bad.csv", ["You won", ""])
    ask = ("score", "--quiet", "--model", model, "-o", tmp_path / "b.csv")
    assert run(*ask, good) == (0, "", "")
    status, out, err = run(*ask, bad)
    assert (status, out) == (65, "")
    assert err.startswith(f"{tmp_path / 'b.csv'}: 2 documents, 1 of them with an error; ")
    assert [row["error"] for row in read(tmp_path / "b.csv")] == [None, EMPTY]


def test_another_column(run: Run, model: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", ["You won"], "review")
    assert run("score", "--model", model, "--column", "review", path, "-o", tmp_path / "b.csv").status == 0
    got = run("score", "--model", model, path, "-o", tmp_path / "b.csv")
    assert (got.status, "no column 'text', it has: id, review" in got.err) == (64, True)


def test_outputs_that_cannot_be(run: Run, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", ["You won"])
    got = run("score", "--model", model, path, "-o", tmp_path / "b.xlsx")
    assert (got.status, "does not end in .csv, .jsonl" in got.err) == (64, True)
    assert run("score", "--model", model, path, "-o", tmp_path / "no" / "b.csv").status == 73
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    got = run("score", "--model", model, path, "-o", tmp_path / "b.parquet")
    assert (got.status, "pip install 'undertone[parquet]'" in got.err) == (64, True)


def test_more_rows_than_are_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "GROUP", 3)
    journal = Journal(tmp_path / "a.parquet", {})
    journal.add([Row(n, str(n), "spam", 0.5, 1, 0, "") for n in range(1, 9)])
    journal.finish()
    assert [row["number"] for row in read(tmp_path / "a.parquet")] == list(range(1, 9))
    assert pyarrow.parquet.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
