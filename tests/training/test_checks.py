"""What is found in the data before training: every kind of bad row by its name, and what cannot work refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.artefact import load
from tests.training import topics, toy
from training import table
from training.checks import check, lines
from training.documents import Document
from training.errors import DataError
from training.splits import Splits, split

LABELS = ("ham", "spam")


def mail(number: int, text: str, label: int, group: str = "enron_spam/enron1") -> Document:
    return Document(f"m{number}", text, label, group)


def enough() -> list[Document]:
    return [mail(i, f"text number {i}", i % 2) for i in range(100)]


def test_clean_data_has_nothing_to_tell() -> None:
    documents = enough()
    found = check(documents, split(documents), LABELS)
    assert found["documents"] == 100
    assert {kind: found[kind]["rows"] for kind in ("empty", "repeats", "repeats_between_splits", "contradictions")} == {
        "empty": 0,
        "repeats": 0,
        "repeats_between_splits": 0,
        "contradictions": 0,
    }
    assert sum(n for of in found["labels"].values() for n in of.values()) == 100
    assert len(list(lines(found))) == 4


def test_every_bad_row_is_named() -> None:
    documents = [
        *enough(),
        mail(200, " ?!", 0),
        mail(201, "Text number 4!", 0),
        mail(202, "text NUMBER 6", 1),
        mail(203, "text number 8", 0, "enron_spam/enron2"),
    ]
    found = check(documents, split(documents), LABELS)
    assert found["empty"] == {"rows": 1, "first": ["enron_spam: m200"]}
    # The copy in enron2 is a test's, so the one in enron1 is what is left out.
    assert found["repeats"]["first"] == [
        "enron_spam: m8 = enron_spam: m203",
        "enron_spam: m201 = enron_spam: m4",
        "enron_spam: m202 = enron_spam: m6",
    ]
    assert found["repeats_between_splits"] == {"rows": 1, "first": ["enron_spam: m8 = enron_spam: m203"]}
    assert found["contradictions"]["first"] == ["enron_spam: m202 spam, enron_spam: m6 ham"]
    told = "\n".join(lines(found))
    for row in ("m200", "m201", "m202 spam", "m203"):
        assert row in told


def test_lengths_are_counted_in_bins_and_none_is_lost() -> None:
    documents = [*enough(), mail(200, "x" * 50, 0), mail(201, "x" * 51, 0), mail(202, "y" * 10_001, 0)]
    lengths = check(documents, split(documents), LABELS)["lengths"]
    assert (lengths["up to 50"], lengths["up to 100"], lengths["longer"]) == (101, 1, 1)
    assert sum(lengths.values()) == len(documents)


def test_a_label_that_is_nowhere_in_training_or_validation_is_refused() -> None:
    documents = [d for d in enough() if d.label == 0]
    with pytest.raises(DataError, match=r"training has \d+ documents and none of spam, wanted some of every label"):
        check(documents, split(documents), LABELS)
    with pytest.raises(DataError, match="validation has 0 documents and none of ham, spam"):
        check(enough(), Splits(enough(), []), LABELS)


def test_rows_of_a_file_are_named_by_their_number(tmp_path: Path) -> None:
    path = topics.table(tmp_path)
    with path.open("a") as file:
        file.write("...,sport\n")
    documents = table.read(path, tuple(topics.TOLD))
    assert check(documents, split(documents), tuple(topics.TOLD))["empty"]["first"] == ["topics.csv: row 121"]


def test_the_report_of_a_training_has_it(trained: Path) -> None:
    found = load(trained).report["checks"]
    assert found["documents"] == len(toy.rows("train")) + len(toy.rows("test"))
    assert found["repeats_between_splits"]["rows"] == 4
    assert found["repeats_between_splits"]["first"][0].startswith("aclimdb: train/0/")
