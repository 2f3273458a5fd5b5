"""The common layout: what is read, in which order, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.mail import read
from tests.training.once import never
from training import publishers
from training.__main__ import main
from training.datasets import SETS, check, fingerprint, rows
from training.documents import key
from training.errors import DataError
from training.publishers import write

RAW = "Subject: Lunch\n\nSee you th\xe9r\xe9.\n"
MAIL = {"id": "easy_ham/1", "raw": RAW, "label": 0, "group": "easy_ham"}
LETTER = {"id": "enron1/ham/1.txt", "text": "See you there.", "label": 0, "subject": "Lunch"}


def test_raw_mail_is_read_as_the_service_reads_it(tmp_path: Path) -> None:
    write(tmp_path / "spamassassin" / "all.jsonl.gz", [MAIL])
    (document,) = SETS["spamassassin"].read(tmp_path)
    assert document.text == read(RAW.encode("latin-1")).text == "Lunch\nSee you théré."
    assert document.group == "spamassassin/easy_ham"


def test_a_letter_is_its_subject_and_its_text() -> None:
    document = SETS["enron_spam"].document(LETTER, "enron1")
    assert (document.text, document.group) == ("Lunch\nSee you there.", "enron_spam/enron1")


def test_a_review_has_line_ends_where_the_page_has_tags(data_dir: Path) -> None:
    texts = [document.text for document in SETS["aclimdb"].read(data_dir)]
    assert not any("<br" in text for text in texts)
    assert "It is set in Paris.\n\nA terrible film." in texts[0]


def test_the_order_of_rows_does_not_matter_and_unlabelled_ones_are_left_out(tmp_path: Path) -> None:
    found = [{"id": str(i), "text": "hi", "label": i % 2} for i in range(5)] + [{"id": "6", "text": "?", "label": -1}]
    data_set = SETS["sms_spam_collection"]
    write(tmp_path / "a" / data_set.name / "all.jsonl.gz", found)
    write(tmp_path / "b" / data_set.name / "all.jsonl.gz", found[::-1])
    assert data_set.read(tmp_path / "a") == data_set.read(tmp_path / "b")
    assert len(data_set.read(tmp_path / "a")) == 5


def test_a_missing_file_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--data-dir DIR --download youtube_spam"):
        SETS["youtube_spam"].read(tmp_path)


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    write(path, [{"id": "1", "text": "fine", "label": 0}, {"id": "2", "label": 0}])
    with pytest.raises(DataError, match=r"line 2: KeyError\('text'\)"):
        list(rows(path))


def test_the_fingerprint_sees_content_not_layout() -> None:
    data_set = SETS["enron_spam"]
    twin = LETTER | {"text": "see you\n there", "date": "today"}
    assert fingerprint([LETTER], data_set) == fingerprint([twin], data_set)
    assert fingerprint([LETTER], data_set) != fingerprint([LETTER | {"label": 1}], data_set)
    assert fingerprint([LETTER], data_set) != fingerprint([LETTER | {"text": "See me there."}], data_set)
    assert fingerprint([MAIL], data_set) != fingerprint([MAIL | {"raw": f"{RAW} "}], data_set)


def test_what_was_not_published_is_called_out(data_dir: Path) -> None:
    (line, good), *_ = check(SETS["aclimdb"], data_dir)
    assert not good
    assert line.startswith("aclimdb/train: 44 rows (negative 22, positive 22), fingerprint ")


def test_a_set_whose_publisher_was_never_seen_is_said_to_be_unchecked(tmp_path: Path) -> None:
    write(tmp_path / "amazon_reviews" / "all.jsonl.gz", [{"id": "1", "text": "Fine.", "label": 1, "domain": "books"}])
    ((line, good),) = check(SETS["amazon_reviews"], tmp_path)
    assert good
    assert line.endswith("that of the published set is not known")
    assert SETS["amazon_reviews"].read(tmp_path)[0].group == "amazon_reviews/books"


def test_everyday_messages_come_with_the_code_and_are_as_they_were_trained_on(tmp_path: Path) -> None:
    everyday = SETS["everyday"]
    ((line, good),) = check(everyday, tmp_path)
    assert good, line
    found = everyday.read(tmp_path)
    assert len({key(document.text) for document in found}) == len(found) > 3000
    assert all(key(document.text) for document in found)
    for group in {document.group for document in found}:
        assert {document.label for document in found if document.group == group} == {0, 1}, group


def test_everyday_messages_need_no_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publishers, "fetch", never)
    assert main(["data", "everyday", "--download", "--data-dir", str(tmp_path)]) == 0
    assert "as published" in capsys.readouterr().out


def test_everyday_messages_lead_nowhere(tmp_path: Path) -> None:
    """Made-up addresses end in what is reserved for examples (RFC 2606)."""
    links = re.compile(r"https?://([^\s/\"'<>)\]]+)|\bwww\.([^\s/\"'<>)\]]+)", re.IGNORECASE)
    for document in SETS["everyday"].read(tmp_path):
        for found in links.finditer(document.text):
            host = (found[1] or found[2]).rstrip(".,;:!?").partition(":")[0]
            assert host.endswith((".example", "localhost", ".test", ".invalid")), (document.id, host)


def test_what_has_no_label_is_read_apart(data_dir: Path) -> None:
    assert all(document.label >= 0 for document in SETS["aclimdb"].read(data_dir))
    found = SETS["aclimdb"].read_unlabelled(data_dir)
    assert {document.label for document in found} == {-1}
    assert {document.group for document in found} == {"aclimdb/unsup"}
