"""A file of one's own as labelled documents, without a line of code.

my.csv, my.jsonl --rows--> Row(number, text, label, steps) --read--> Document(id, text, label, group, targets)

A CSV file has a first line that names its columns, `text` and `label` among them; JSON lines have one object a
line. Where it is known, `labels` is the label after each sentence, -1 where there is none: a list, which in CSV
stands as JSON writes it, such as ["ham", -1, "spam"]. A label is a word or a whole number; blanks around it do
not count.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.sentences import split
from training.documents import NO_TARGET, Document
from training.errors import DataError

_LINES: Final = (".jsonl", ".ndjson")
_NONE: Final = str(NO_TARGET)


class Row(NamedTuple):
    """`place` names the row in messages; `steps` has a label per sentence, None where there is none, if the row
    has a list of them at all."""

    place: str
    text: str
    label: str
    steps: tuple[str | None, ...] | None


def labels(path: Path) -> tuple[str, ...]:
    """The labels that stand in the file, sorted, so the last one is the positive one."""
    found = {label for row in rows(path) for label in (row.label, *(row.steps or ())) if label is not None}
    if len(found) < 2:
        raise DataError(f"{path} has {len(found)} labels ({', '.join(found)}), wanted two or more: add rows of another")
    return tuple(sorted(found))


def read(path: Path, known: Sequence[str], language: str = "en") -> list[Document]:
    """The documents of the file; the class of each is the place of its label in `known`."""
    numbers = {label: number for number, label in enumerate(known)}
    documents: list[Document] = []
    for row in rows(path):
        for label in (row.label, *(row.steps or ())):
            if label is not None and label not in numbers:
                raise DataError(
                    f"{path}, {row.place}: label {label!r}, wanted one of {', '.join(known)}: "
                    "mend the row, or add the label to `labels` of the recipe"
                )
        if row.steps is not None and len(row.steps) != (sentences := len(split(row.text, language))):
            raise DataError(
                f"{path}, {row.place}: `labels` has {len(row.steps)} entries, and the text has {sentences} sentences "
                "as models/sentences.py cuts it: give one entry per sentence, -1 where there is none"
            )
        targets = tuple(NO_TARGET if label is None else numbers[label] for label in row.steps or ())
        documents.append(Document(row.place, row.text, numbers[row.label], f"{path.name}/all", targets=targets))
    return documents


def summary(path: Path) -> dict[str, Any]:
    """Rows per label, and the file's sha256."""
    counts = Counter(row.label for row in rows(path))
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {"rows": counts.total(), "labels": dict(counts), "sha256": sha256}


def rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV or JSON-lines file in UTF-8, in their order; raises DataError naming the first bad one."""
    if not path.is_file():
        raise DataError(f"{path} does not exist: `file` of the recipe is a path from the folder that you stand in")
    if path.suffix not in (".csv", *_LINES):
        raise DataError(
            f"{path} ends in {path.suffix!r}, wanted .csv, {' or '.join(_LINES)}: give it its format's name"
        )
    try:
        yield from (_row(path, *found) for found in (_csv(path) if path.suffix == ".csv" else _json(path)))
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason}): save it again as UTF-8") from None


def _csv(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    csv.field_size_limit(sys.maxsize)  # the library's own limit, 128 KiB, would refuse a long mail
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        if not {"text", "label"} <= set(reader.fieldnames or ()):
            raise DataError(f"{path} has the columns {reader.fieldnames}, wanted text and label: name them in line 1")
        try:
            for number, row in enumerate(reader, start=1):
                if None in row:
                    raise DataError(
                        f"{path}, row {number}: it has more cells than line 1 names, the last is {row[None][-1]!r}: "
                        "put a text with commas in quotes"
                    )
                yield f"row {number}", row | {"labels": _listed(path, number, row.get("labels"))}
        except csv.Error as error:
            raise DataError(
                f"{path}, line {reader.line_num}: {error}; mend the quotes there or in the line after"
            ) from None


def _json(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield f"row {number}", json.loads(line)
                except ValueError as error:
                    raise DataError(f"{path}, row {number}: not JSON ({error}); wanted one object a line") from None


def _listed(path: Path, number: int, cell: str | None) -> Any:
    """What stands in a cell of `labels`; None where that is empty."""
    if cell is None or not cell.strip():
        return None
    try:
        return json.loads(cell)
    except ValueError:
        raise DataError(
            f'{path}, row {number}: labels {cell!r}, wanted a list as JSON writes it, such as ["ham", -1, "spam"] '
            "with its quotes doubled as CSV wants it, or nothing"
        ) from None


def _row(path: Path, place: str, row: Any) -> Row:
    wanted = 'wanted {"text": "…", "label": "…"}, and perhaps "labels": ["…", -1, …]'
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise DataError(f"{path}, {place}: there is no text; {wanted}")
    label, steps = row.get("label"), row.get("labels")
    if not _is_label(label) or not (steps is None or (isinstance(steps, list) and all(map(_is_label, steps)))):
        raise DataError(f"{path}, {place}: label {label!r}, labels {steps!r}; {wanted}, words or whole numbers")
    if (named := str(label).strip()) == _NONE:
        raise DataError(
            f"{path}, {place}: label {label!r} says that there is none, and what nobody has labelled teaches nothing: "
            "leave the row out (-1 is for sentences, in `labels`)"
        )
    after = [str(step).strip() for step in steps or ()]
    return Row(place, row["text"], named, None if steps is None else tuple(None if s == _NONE else s for s in after))


def _is_label(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and bool(value.strip()))
