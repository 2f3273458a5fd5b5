"""Scores on disk: a journal while they are made, and in the end a table.

    rows --Journal.add--> OUTPUT.part (JSON lines) --finish--> OUTPUT (csv, jsonl, parquet), all of it or nothing

The journal says in its first line what it was begun with, so that no table mixes two models; what a kill
left behind of its last line is cut off.
"""

from __future__ import annotations

import csv
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from cli.documents import parquet
from cli.exits import LATER, NO_OUTPUT, USAGE, Stopped

GROUP: Final = 10_000
"""Rows that are in memory at once."""


@dataclass(frozen=True)
class Row:
    """A document's score, or the `error` that kept it from being scored. `number` counts from 1; `decided_at`
    is the index of a sentence."""

    number: int
    id: str
    label: str | None = None
    probability: float | None = None
    sentences: int | None = None
    decided_at: int | None = None
    warnings: str | None = None
    error: str | None = None


class Journal:
    """Rows that are done; opening it again goes on with them."""

    def __init__(self, output: Path, begun_with: dict[str, Any]) -> None:
        if output.suffix not in WRITERS:
            raise Stopped(USAGE, f"{output} does not end in {', '.join(WRITERS)}: give it the name of its format")
        if output.suffix == ".parquet":
            parquet()
        self.output = output
        self.path = output.with_name(f"{output.name}.part")
        self.failed = self.done = 0
        self.last = ""
        """The id of the last document that is done."""
        with ExitStack() as stack:
            try:
                self._file: IO[bytes] = stack.enter_context(self.path.open("a+b"))
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._resume(begun_with)
            except BlockingIOError:
                raise Stopped(LATER, f"another undertone is writing {self.path}: wait for it") from None
            except OSError as error:
                raise Stopped(NO_OUTPUT, f"{self.path}: {error.strerror or error}") from None
            stack.pop_all()

    def add(self, rows: list[Row]) -> None:
        """Writes rows, which then survive a kill."""
        lines = "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows)
        self._file.write(lines.encode("utf-8", "replace"))
        self._file.flush()
        self.failed += sum(row.error is not None for row in rows)

    def finish(self) -> None:
        """Makes the table, and takes the journal away."""
        draft = self.output.with_name(f"{self.output.name}.new")
        try:
            WRITERS[self.output.suffix](draft, self._rows())
            os.replace(draft, self.output)
            self.path.unlink()
        except OSError as error:
            raise Stopped(NO_OUTPUT, f"{self.output}: {error.strerror or error}") from None
        finally:
            self._file.close()

    def close(self) -> None:
        self._file.close()

    def _resume(self, begun_with: dict[str, Any]) -> None:
        self._file.seek(0)
        head = self._file.readline()
        if not head.endswith(b"\n"):
            self._file.truncate(0)
            self._file.write(json.dumps(begun_with).encode() + b"\n")
            return
        before = json.loads(head)
        if before != begun_with:
            changed = ", ".join(name for name in begun_with if before.get(name) != begun_with[name])
            raise Stopped(
                NO_OUTPUT,
                f"{self.path} was begun with another {changed}: finish it as it was begun, or delete it to start anew",
            )
        end = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            row = json.loads(line)
            self.done, self.last = row["number"], row["id"]
            self.failed += row["error"] is not None
            end = self._file.tell()
        self._file.truncate(end)

    def _rows(self) -> Iterator[dict[str, Any]]:
        self._file.seek(0)
        next(self._file)
        yield from map(json.loads, self._file)


def _csv(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Row.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(rows)


def _jsonl(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    writer = parquet()
    import pyarrow

    kinds = {"number": pyarrow.int64(), "probability": pyarrow.float64()}
    kinds |= {"sentences": pyarrow.int64(), "decided_at": pyarrow.int64()}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in Row.__dataclass_fields__])
    with writer.ParquetWriter(path, schema) as file:
        while group := list(islice(rows, GROUP)):
            file.write_table(pyarrow.Table.from_pylist(group, schema))


WRITERS: Final[dict[str, Callable[[Path, Iterator[dict[str, Any]]], None]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
