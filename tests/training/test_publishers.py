"""Archives as their publishers lay them out, made by hand, served on loopback, read into the common layout."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.training.server import serving
from training import publishers
from training.__main__ import main
from training.datasets import SETS, fingerprint, rows
from training.errors import DataError
from training.layouts import Members
from training.publishers import SOURCES, fetch

MAIL = b"Subject: =?utf-8?q?Caf=C3=A9?=\r\nContent-Type: text/html\r\n\r\n<p>Free &amp; easy</p><script>x</script>\r\n"
MD5 = hashlib.md5(MAIL, usedforsecurity=False).hexdigest()
CSV = 'COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS\nz1,Ann,2013-11-07,"Hi, all\ufeff",0\nz2,Bob,,subscribe!,1\n'


def zipped(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return archive.getvalue()


def tarred(files: dict[str, bytes], mode: Any) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode=mode) as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def served(name: str, archives: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fetches a set whose archives are these, with their own checksums, and gives back its folder."""
    source = SOURCES[name]
    urls = [url for url, _ in source.archives]
    sums = [hashlib.sha256(archive).hexdigest() for archive in archives]
    monkeypatch.setitem(
        publishers.SOURCES, name, replace(source, archives=tuple(zip(urls, sums, strict=False))[: len(archives)])
    )
    with serving({url.rpartition("/")[2]: a for url, a in zip(urls, archives, strict=False)}) as server:
        fetch(name, tmp_path, server.url)
    return tmp_path / name


def test_sms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped({"readme": b"", "SMSSpamCollection": "ham\tOk, see you\nspam\tWin £100\tnow\n".encode()})
    folder = served("sms_spam_collection", [archive], tmp_path, monkeypatch)
    assert list(rows(folder / "all.jsonl.gz")) == [
        {"id": "sms-0001", "text": "Ok, see you", "label": 0, "label_name": "ham"},
        {"id": "sms-0002", "text": "Win £100\tnow", "label": 1, "label_name": "spam"},
    ]


def test_youtube_takes_the_three_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped({"Youtube01-Psy.csv": CSV.encode(), "Youtube04-Eminem.csv": CSV.encode()})
    found = list(rows(served("youtube_spam", [archive], tmp_path, monkeypatch) / "all.jsonl.gz"))
    assert [(row["id"], row["text"], row["label"], row["video"]) for row in found] == [
        ("Youtube01-Psy/z1", "Hi, all\ufeff", 0, "Psy"),
        ("Youtube01-Psy/z2", "subscribe!", 1, "Psy"),
    ]


def test_enron_splits_off_the_subject_and_reads_old_encodings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "enron1/Summary.txt": b"counts",
        "enron1/ham/1.txt": b"Subject: re : lunch\r\nsee you\r\nthere\r\n",
        "enron1/spam/2.txt": b"Subject: \x80 100\n",
    }
    folder = served("enron_spam", [tarred(files, "w:gz")], tmp_path, monkeypatch)
    found = list(rows(folder / "enron1.jsonl.gz"))
    assert [(row["id"], row["subject"], row["text"], row["label"]) for row in found] == [
        ("enron1/ham/1.txt", "re : lunch", "see you\nthere", 0),
        ("enron1/spam/2.txt", "€ 100", "", 1),
    ]


def test_spamassassin_reads_mail_and_holds_it_against_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tarred({f"spam_2/00001.{MD5}": MAIL, "spam_2/cmds": b"mv"}, "w:bz2")
    (row,) = rows(served("spamassassin", [archive], tmp_path, monkeypatch) / "all.jsonl.gz")
    assert (row["label"], row["group"], row["raw"].encode("latin-1")) == (1, "spam_2", MAIL)
    assert SETS["spamassassin"].document(row, "all").text == "Café\nFree & easy"


def test_a_message_that_is_not_what_its_name_says_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tarred({f"spam/00001.{MD5}": MAIL + b"more"}, "w:bz2")
    with pytest.raises(DataError, match="not the one that its name carries"):
        served("spamassassin", [archive], tmp_path, monkeypatch)


def test_aclimdb_keeps_splits_stars_films_and_the_unlabelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("train/neg/0_3", "train/neg/1_1", "train/pos/0_9", "test/pos/0_10", "train/unsup/0_0")
    files = {f"aclImdb/{name}.txt": name.encode() for name in names}
    for kind in ("train/urls_neg", "train/urls_pos", "test/urls_pos", "train/urls_unsup"):
        films = "".join(f"http://www.imdb.com/title/tt{n}/usercomments\n" for n in range(2))
        files[f"aclImdb/{kind}.txt"] = films.encode()
    folder = served("aclimdb", [tarred(files, "w:gz")], tmp_path, monkeypatch)
    found = [row for file in ("train", "test", "unsup") for row in rows(folder / f"{file}.jsonl.gz")]
    assert [(row["id"], row["label"], row["stars"], row["movie"]) for row in found] == [
        ("train/neg/0_3", 0, 3, "tt0"),
        ("train/neg/1_1", 0, 1, "tt1"),
        ("train/pos/0_9", 1, 9, "tt0"),
        ("test/pos/0_10", 1, 10, "tt0"),
        ("train/unsup/0_0", -1, 0, "tt0"),
    ]


def test_sst_gives_phrases_and_whole_sentences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    glue = zipped(
        {
            "SST-2/train.tsv": b"sentence\tlabel\nhide new secretions \t0\nwarm , funny\t1\n",
            "SST-2/dev.tsv": b"sentence\tlabel\nwarm\t1\n",
            "SST-2/original/train.txt": b"",
        }
    )
    trees = {
        "trees/train.txt": b"(3 (2 It) (4 (2 's) (4 (2 -LRB-) (4 (2 and\\/or) (4 good)))))\n"
        b"(2 (2 A) (2 film))\n(0 (1 No) (2 .))\n",
        "trees/test.txt": "(1 (2 Café) (1 closed))\n".encode(),
    }
    folder = served("sst2", [glue, zipped(trees)], tmp_path, monkeypatch)
    found = {file: list(rows(folder / f"{file}.jsonl.gz")) for file in ("train", "sentences_train", "sentences_test")}
    assert [(row["id"], row["text"], row["label"]) for row in found["train"]] == [
        ("glue-train-00000", "hide new secretions", 0),
        ("glue-train-00001", "warm , funny", 1),
    ]
    assert [(row["id"], row["text"], row["label"], row["label5"]) for row in found["sentences_train"]] == [
        ("train-00001", "It 's ( and/or good", 1, 3),
        ("train-00003", "No .", 0, 0),
    ]
    assert [(row["id"], row["text"]) for row in found["sentences_test"]] == [("test-00001", "Café closed")]


def test_rt_polarity_reads_old_encodings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "rt-polaritydata/rt-polarity.neg": b"simplistic \x85 \nbad .\n",
        "rt-polaritydata/rt-polarity.pos": b"fianc\xe9 !\n",
    }
    found = list(rows(served("rt_polarity", [tarred(files, "w:gz")], tmp_path, monkeypatch) / "all.jsonl.gz"))
    assert [(row["id"], row["text"], row["label"]) for row in found] == [
        ("neg-0001", "simplistic …", 0),
        ("neg-0002", "bad .", 0),
        ("pos-0001", "fiancé !", 1),
    ]


def test_amazon_takes_title_and_text_of_two_domains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    review = b"<review>\n<asin>\n1\n</asin>\n<title>\nA <b>\n</title>\n<review_text>\nQ & A.\n\nEnd.\n</review_text>\n"
    places = ("books/positive", "electronics/negative", "dvd/positive", "books/unlabeled")
    files = {f"sorted_data_acl/{place}.review": review for place in places}
    found = list(rows(served("amazon_reviews", [tarred(files, "w:gz")], tmp_path, monkeypatch) / "all.jsonl.gz"))
    assert [(row["id"], row["text"], row["label"], row["domain"]) for row in found] == [
        ("books-positive-0000", "A <b>\nQ & A.\n\nEnd.", 1, "books"),
        ("electronics-negative-0000", "A <b>\nQ & A.\n\nEnd.", 0, "electronics"),
    ]


def test_a_damaged_archive_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="is damaged"):
        served("enron_spam", [tarred({"enron1/ham/1.txt": b"x" * 9999}, "w:gz")[:60]], tmp_path, monkeypatch)


RIGHT = tarred({"rt-polaritydata/rt-polarity.neg": b"bad .\n", "rt-polaritydata/rt-polarity.pos": b"good .\n"}, "w:gz")
OTHER = tarred({"rt-polaritydata/rt-polarity.neg": b"bad .\n", "rt-polaritydata/rt-polarity.pos": b"gone .\n"}, "w:gz")


@pytest.mark.parametrize("wrong", [OTHER, RIGHT[:90], b"<html>moved</html>"], ids=["other", "cut", "page"])
def test_a_wrong_archive_without_a_checksum_is_fetched_anew(
    wrong: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ((url, sha256),) = SOURCES["rt_polarity"].archives
    assert sha256 == ""
    found = SOURCES["rt_polarity"].rows(unpacked(RIGHT, tmp_path / "right.tar.gz"))
    published = fingerprint((row for _, row in found), SETS["rt_polarity"])
    monkeypatch.setitem(SETS, "rt_polarity", replace(SETS["rt_polarity"], files={"all": published}))
    file = url.rpartition("/")[2]
    with serving({file: wrong}) as server:
        arguments = ["data", "rt_polarity", "--download", "--data-dir", str(tmp_path), "--mirror", server.url]
        assert main(arguments) == 1
        assert re.search("fetch them again with --download|run the command again", capsys.readouterr().err)
        server.files[file] = RIGHT
        assert main(arguments) == 0
        assert "as published" in capsys.readouterr().out
        assert main(arguments) == 0
        assert server.requests == [(f"/{file}", None)] * 2  # what is right is not fetched again


def unpacked(archive: bytes, path: Path) -> Members:
    path.write_bytes(archive)
    return publishers.members(path)


def test_every_set_has_a_source_and_checksums_are_sha256() -> None:
    assert SOURCES.keys() == {name for name, data_set in SETS.items() if data_set.home is None}
    for source in SOURCES.values():
        assert all(len(sha256) in (0, 64) and url.startswith("http") for url, sha256 in source.archives)
