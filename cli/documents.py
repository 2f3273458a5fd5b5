"""What there is to score, one document after the other, wherever it lies.

    FILE, - --texts--> Document        mbox, maildir/, csv, jsonl, parquet --collection--> Collection of Documents

A message, whether a file, a member of a mailbox or standard input with --mail, is read by models/mail.py.
"""

from __future__ import annotations

import csv
import json
import mailbox
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from typing import Any, Final, NamedTuple

from cli.exits import NO_INPUT, USAGE, Stopped
from client import Refused
from models import mail
from models.errors import UndertoneError
from models.utf8 import Utf8Reader

LONGEST: Final = 64 * 2**20
"""Bytes of one document, or of one line of a table."""
HEADERS: Final = 65_536
"""Bytes in which the Message-ID is looked for."""


class Document(NamedTuple):
    """`text` is a Refused where there is none to score."""

    id: str
    text: str | Refused


@dataclass(frozen=True)
class Collection:
    """Documents that are numbered from 1 and come in the same order each time; `read(n)` leaves out the first n."""

    kind: str
    count: int
    read: Callable[[int], Iterator[Document]]


def texts(names: Iterable[str], *, is_mail: bool) -> Iterator[Document]:
    """Whole files, or standard input where a name is `-`."""
    for name in names:
        try:
            raw = sys.stdin.buffer.read(LONGEST + 1) if name == "-" else _content(Path(name))
        except OSError as error:
            yield Document(name, Refused(404, "no_input", f"it cannot be read: {error.strerror or error}"))
            continue
        yield Document(name, _message(raw) if is_mail or name.lower().endswith(".eml") else _text(raw))


def collection(path: Path, column: str) -> Collection:
    """By what the name ends in, or a folder or mailbox by what is inside."""
    try:
        if path.is_dir():
            return _maildir(path)
        if path.suffix in TABLES:
            return TABLES[path.suffix](path, column)
        with path.open("rb") as file:
            begins = file.read(5)
    except OSError as error:
        raise Stopped(NO_INPUT, f"{path}: {error.strerror or error}") from None
    if begins == b"From " or (path.suffix == ".mbox" and not begins):
        return _mbox(path)
    raise Stopped(
        USAGE,
        f"{path} is no mailbox, and its name does not end in {', '.join(TABLES)}: give it the name of its format; "
        "single files are for `undertone predict`",
    )


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST + 1)


def _text(raw: bytes) -> str | Refused:
    try:
        return _too_long(len(raw)) or Utf8Reader().feed(raw, ended=True).removeprefix("\ufeff")
    except UndertoneError as error:
        return _refused(error)


def _message(raw: bytes) -> str | Refused:
    try:
        return _too_long(len(raw)) or mail.read(raw).text
    except UndertoneError as error:
        return _refused(error)


def _message_id(raw: bytes) -> str:
    named = BytesHeaderParser(policy=compat32).parsebytes(raw[:HEADERS], headersonly=True)["Message-ID"]
    return "".join(str(named or "").split())[:200]


def _too_long(size: int) -> Refused | None:
    if size <= LONGEST:
        return None
    return Refused(413, "text_too_long", f"more than {LONGEST:,} bytes: cut it into documents", "text", LONGEST, size)


def _refused(error: UndertoneError) -> Refused:
    return Refused(error.status, error.code, error.message, error.field, error.limit, error.value)


def _maildir(path: Path) -> Collection:
    """By name, which begins with the time of delivery; its flags, which change, are no part of the key."""
    if not all((path / part).is_dir() for part in ("cur", "new")):
        raise Stopped(USAGE, f"{path} is a folder and no maildir: it lacks cur/ and new/")
    box = mailbox.Maildir(path, create=False)
    keys = sorted(box.keys())

    def read(skipped: int) -> Iterator[Document]:
        for key in keys[skipped:]:
            yield Document(key, _message(box.get_bytes(key)))

    return Collection("maildir", len(keys), read)


def _mbox(path: Path) -> Collection:
    """In the order of the file, whose keys are numbers from 0."""
    with closing(mailbox.mbox(path, create=False)) as box:
        count = len(box)

    def read(skipped: int) -> Iterator[Document]:
        with closing(mailbox.mbox(path, create=False)) as box:
            for number in range(skipped, count):
                raw = box.get_bytes(number)  # type: ignore[arg-type]  # typeshed: str
                yield Document(_message_id(raw) or str(number + 1), _message(raw))

    return Collection("mbox", count, read)


def _table(kind: str, rows: Callable[[], Iterator[Any]], column: str) -> Collection:
    def read(skipped: int) -> Iterator[Document]:
        for number, row in enumerate(rows(), start=1):
            if number > skipped:
                yield _row(number, row, column)

    return Collection(kind, sum(1 for _ in rows()), read)


def _row(number: int, row: Any, column: str) -> Document:
    """A row's own `id`, where it has one."""
    if not isinstance(row, dict):
        return Document(str(number), Refused(400, "invalid_row", f"the row is {row!s:.80}, wanted is an object"))
    text = row.get(column)
    name = str(row["id"]) if row.get("id") not in (None, "") else str(number)
    if not isinstance(text, str):
        said = f"the row has no text in {column!r}, it has {', '.join(map(str, row))[:80]}"
        return Document(name, Refused(400, "invalid_row", f"{said}: name another with --column", column))
    if any("\ud800" <= c <= "\udfff" for c in text):
        return Document(name, Refused(400, "invalid_row", "the text holds half a character (a lone surrogate)", column))
    return Document(name, text)


def _csv(path: Path, column: str) -> Collection:
    csv.field_size_limit(LONGEST)  # the library's own limit, 128 KiB, would refuse a long mail

    def rows() -> Iterator[Any]:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if column not in (reader.fieldnames or ()):
                named = ", ".join(reader.fieldnames or ()) or "none"
                raise Stopped(USAGE, f"{path} has no column {column!r}, its first line names: {named}")
            try:
                yield from reader
            except csv.Error as error:
                raise Stopped(USAGE, f"{path}, line {reader.line_num}: {error}; mend its quotes") from None
            except UnicodeDecodeError as error:
                raise Stopped(USAGE, f"{path} is not UTF-8 ({error.reason}): save it again as UTF-8") from None

    return _table("csv", rows, column)


def _jsonl(path: Path, column: str) -> Collection:
    def rows() -> Iterator[Any]:
        with path.open("rb") as file:
            while line := file.readline(LONGEST + 1):
                if len(line) > LONGEST:
                    raise Stopped(USAGE, f"{path} has a line of more than {LONGEST:,} bytes: is it JSON lines?")
                if line.strip():
                    try:
                        yield json.loads(line.decode("utf-8-sig"))
                    except (ValueError, RecursionError):
                        yield line[:80].decode("utf-8", "replace")

    return _table("jsonl", rows, column)


def _parquet(path: Path, column: str) -> Collection:
    file = parquet().ParquetFile(path)
    if column not in file.schema_arrow.names:
        raise Stopped(USAGE, f"{path} has no column {column!r}, it has: {', '.join(file.schema_arrow.names)}")
    wanted = [name for name in ("id", column) if name in file.schema_arrow.names]

    def rows() -> Iterator[Any]:
        for batch in file.iter_batches(1024, columns=wanted):
            yield from batch.to_pylist()

    return _table("parquet", rows, column)


def parquet() -> Any:
    """pyarrow, which is 150 MB and so not everybody's."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise Stopped(
            USAGE, "parquet needs pyarrow, which is not installed: `pip install 'undertone[parquet]'`, or use .jsonl"
        ) from None
    return pyarrow.parquet


TABLES: Final[dict[str, Callable[[Path, str], Collection]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
