"""A look at the data before anything is learnt from it: what is left out, what is odd, and what cannot work.

documents, Splits --check--> {left out, contradictions, lengths, …} --lines--> a few lines; the report has it all
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from training.documents import Document, key
from training.errors import DataError
from training.splits import REPEATS, Splits, side

NAMED: Final = 20
"""Rows that the report names of each kind; the printed lines name the first three of them."""
LENGTHS: Final = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
"""Upper ends of the histogram's bins, in code points; one more bin holds what is longer."""


def check(
    documents: Sequence[Document],
    splits: Splits,
    labels: Sequence[str],
    held_out: Sequence[str] = (),
    fold: int = 0,
) -> dict[str, Any]:
    """What was found, as plain values; raises DataError where there is not `enough`."""
    enough(splits, labels)
    sides = {"train": splits.train, "validation": splits.validation} | splits.tests
    kept = {id(d) for found in sides.values() for d in found}
    # A test's copy without repeats comes before the one with them.
    first = {key(d.text): (name, d) for name, found in reversed(sides.items()) for d in reversed(found)}
    known = dict.fromkeys(splits.tests, "test")
    empty, repeats, between, contradicting = [], [], [], []
    for document in documents:
        if not (text := key(document.text)):
            empty.append(_name(document))
            continue
        name, other = first[text]
        if id(document) not in kept:
            repeats.append(f"{_name(document)} = {_name(other)}")
            if known.get(name, name) != side(document, held_out, fold):
                between.append(repeats[-1])
        if document.label != other.label:
            contradicting.append(f"{_name(document)} {labels[document.label]}, {_name(other)} {labels[other.label]}")
    bins = Counter(bisect_left(LENGTHS, len(document.text)) for document in documents)
    return {
        "documents": len(documents),
        "labels": {
            name: {label: sum(d.label == number for d in found) for number, label in enumerate(labels)}
            for name, found in sides.items()
            if not name.endswith(REPEATS)
        },
        "empty": _rows(empty),
        "repeats": _rows(repeats),
        "repeats_between_splits": _rows(between),
        "contradictions": _rows(contradicting),
        "lengths": {name: bins[number] for number, name in enumerate([*(f"up to {n:,}" for n in LENGTHS), "longer"])},
    }


def enough(splits: Splits, labels: Sequence[str]) -> None:
    """Raises DataError where nothing can be learnt or chosen from these splits."""
    for name, found in (("training", splits.train), ("validation", splits.validation)):
        if lacking := [label for number, label in enumerate(labels) if not any(d.label == number for d in found)]:
            raise DataError(
                f"{name} has {len(found):,} documents and none of {', '.join(lacking)}, wanted some of every label: "
                "add rows of these (a tenth of the texts go to validation, by a hash of the text)"
            )


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people, shortly."""
    yield f"data: {found['documents']:,} documents"
    for name, of in found["labels"].items():
        share = " ".join(f"{label} {n:,} ({n / max(sum(of.values()), 1):.0%})" for label, n in of.items())
        yield f"  {name}: {share}"
    told = {
        "empty": "without a letter or digit, left out",
        "repeats": "repeats of another row, left out",
        "repeats_between_splits": "of them would have stood in two of training, validation and test",
        "contradictions": "have another label than a row with the same text",
    }
    for kind, text in told.items():
        if rows := found[kind]["rows"]:
            more = ", …" if rows > 3 else ""
            yield f"  {rows:,} {text}: {', '.join(found[kind]['first'][:3])}{more}"
    yield "  code points: " + ", ".join(f"{name} {n:,}" for name, n in found["lengths"].items() if n)


def _name(document: Document) -> str:
    return f"{document.set}: {document.id}"


def _rows(names: list[str]) -> dict[str, Any]:
    return {"rows": len(names), "first": names[:NAMED]}
