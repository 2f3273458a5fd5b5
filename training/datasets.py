"""The public sets that the models learn from, in one layout on disk.

DATA_DIR/<set>/<file>.jsonl.gz --read--> rows --document--> Document(id, text, label, group)

Each file holds gzip'd JSON lines (plain ones, where a set comes with this code), one object a line, in UTF-8:

    id      str    names the row, once per set
    text    str    the body; not needed where there is `raw`
    label   int    0 ham / negative, 1 spam / positive, -1 unlabelled
    subject str    enron_spam only; the document is subject, newline, text
    raw     str    spamassassin only: the message, a character a byte (latin-1), read as the service reads mail
    group, video, domain, topic   the part of the set that a row belongs to, where its file's name does not say so
    movie          the film of a review: reviews of one film never stand in train and validation both
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from models import mail
from training.documents import Document, key
from training.errors import DataError

SPAM: Final = ("ham", "spam")
SENTIMENT: Final = ("negative", "positive")


@dataclass(frozen=True)
class DataSet:
    """`files` are the names without the ending of its files with labels, `unlabelled` of those without, each with
    the fingerprint of what was published (empty: not known); `part` is the field that names a row's part of the
    set (else its file does); `kin` the one that names its kin, if any. `home` is the folder of a set that comes with
    this code, of which the data folder holds nothing."""

    name: str
    labels: tuple[str, ...]
    files: dict[str, str]
    unlabelled: dict[str, str] = field(default_factory=dict)
    part: str = ""
    kin: str = ""
    home: Path | None = None

    def path(self, data_dir: Path, file: str) -> Path:
        if self.home:
            return self.home / f"{file}.jsonl"
        return data_dir / self.name / f"{file}.jsonl.gz"

    def read(self, data_dir: Path) -> list[Document]:
        """The labelled documents of the set, file by file, by their ids: another order of rows changes nothing."""
        return [document for document in self._read(data_dir, self.files) if document.label >= 0]

    def read_unlabelled(self, data_dir: Path) -> list[Document]:
        """The documents that have no label (theirs is -1); some of them may repeat texts of the test, see
        `splits.unlabelled`."""
        return self._read(data_dir, self.unlabelled)

    def _read(self, data_dir: Path, files: Iterable[str]) -> list[Document]:
        documents: list[Document] = []
        for file in files:
            found = [self.document(row, file) for row in rows(self.path(data_dir, file))]
            documents += sorted(found, key=lambda document: document.id)
        return documents

    def document(self, row: dict[str, Any], file: str) -> Document:
        """One row as the text that a caller of the service would send."""
        group = f"{self.name}/{row[self.part] if self.part else file}"
        return Document(row["id"], _text(row), row["label"], group, str(row.get(self.kin, "")))


SETS: Final[dict[str, DataSet]] = {
    data_set.name: data_set
    for data_set in (
        DataSet(
            "sms_spam_collection",
            SPAM,
            {"all": "929cd4c4c2808a68502f1a68db1639b5f9416cc159d6fbed8f4640439fe9adfb"},
        ),
        DataSet(
            "spamassassin",
            SPAM,
            {"all": "f4bc463838dc56d3a528314312d3a5388fd5c03de44490ca3149339217ab9234"},
            part="group",
        ),
        DataSet(
            "enron_spam",
            SPAM,
            {
                "enron1": "41c85cf51689933f273bbda159be77c0f3d4963798b3331cbd82d4d43ece9381",
                "enron2": "612c657d3c0f199bf18508363ecab35c44a6249d01f8a3fce0902213afb478fc",
                "enron4": "50ac205a79c0338ef787dddcc87601f26e887d4aa552d25dfdacd16b089f1f6d",
                "enron5": "64a89c9be4a57441280d7beea739bdd366a59f7ff3c578921809ffa069a56bfa",
            },
        ),
        DataSet(
            "youtube_spam",
            SPAM,
            {"all": "ae1902d5d8d540593cc98c34628a66e5dfa3c1ba462a069b3299fcfefe49a2f8"},
            part="video",
        ),
        DataSet(
            "everyday",
            SPAM,
            {"everyday": "8d970c34412ec9af4e975b600e38bba18e3e8db1a40976e8a62cba651933b54d"},
            part="topic",
            home=Path(__file__).parent,
        ),
        DataSet(
            "aclimdb",
            SENTIMENT,
            {
                "train": "b0a4d21fca86579f4ac8ba31ba3b412b79be8e8db8f873b1370d33759ffdcfca",
                "test": "bfa60a9a20c9597063f9628866a03457b65f44faaccb6731bbafa752270d75e8",
            },
            unlabelled={"unsup": "d6f307caac4b86863e1a159f09e3a90606e7b541efffe81b5f6fa6ffb0e9bc17"},
            kin="movie",
        ),
        DataSet(
            "sst2",
            SENTIMENT,
            # Whole sentences first: of a sentence and the phrase with the same letters, the first one stays.
            {
                "sentences_train": "12a8f94a399d2287a1722fc0f99a38eb357a7157ea0fe30353c57dbd103b8b80",
                "sentences_dev": "6a21f6f57b425ea335badf78abddf5eae727e9257b99a4b1c5ce13306ba9f76e",
                "sentences_test": "e9a06f7208af928340670fcc6a285bc6c84bd3b9cfc1c9529c9ab51f554628e1",
                "train": "e1cefdf8c12801e1af6b503517bca0353ac83905185fda7365a6f8888b7dfcfe",
            },
        ),
        DataSet("rt_polarity", SENTIMENT, {"all": "16ab1739353b2aad62c9f94ee83cec0325f51c29f497fb09c82b24deaa2a923c"}),
        # The only copy at hand had lost the last characters of most texts: what was published is not known.
        DataSet("amazon_reviews", SENTIMENT, {"all": ""}, part="domain"),
    )
}


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, gzip'd where its name ends in .gz."""
    if not path.is_file():
        raise DataError(
            f"{path} does not exist: name the folder that holds the data sets with --data-dir, "
            f"or fetch this one with `python -m training data --data-dir DIR --download {path.parent.name}`"
        )
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                row["id"], row["label"], row["raw" if "raw" in row else "text"]
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(
                    f"{path}, line {number}: {error!r}; wanted an object with id, label and text (or raw) on each line"
                ) from None
            yield row


def _text(row: dict[str, Any]) -> str:
    """Raw mail goes through the reader that the service has. Reviews come from web pages, with `<br />` for a
    line's end, where a caller sends the line's end itself."""
    if "raw" in row:
        return mail.read(row["raw"].encode("latin-1")).text
    text = str(row["text"]).replace("<br />", "\n")
    return f"{row['subject']}\n{text}" if "subject" in row else text


def summary(path: Path, data_set: DataSet) -> dict[str, Any]:
    """Rows per label, the file's sha256, and its content's fingerprint."""
    labels = Counter(str(row.get("label_name", row["label"])) for row in rows(path))
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "rows": labels.total(),
        "labels": dict(labels),
        "sha256": sha256,
        "fingerprint": fingerprint(rows(path), data_set),
    }


def fingerprint(rows: Iterable[dict[str, Any]], data_set: DataSet) -> str:
    """sha256 over the sorted rows: id, label, and the letters and digits of the document (of the raw
    bytes instead, where a row has them). Two conversions that lay the same content out differently agree."""
    lines = []
    for row in rows:
        content = row["raw"] if "raw" in row else key(data_set.document(row, "").text)
        lines.append(f"{row['id']}\t{row['label']}\t{hashlib.sha256(content.encode()).hexdigest()}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def as_published(data_set: DataSet, files: Mapping[str, Iterable[dict[str, Any]]]) -> bool:
    """Whether the rows of every file that has a fingerprint are those that were published."""
    published = {file: known for file, known in (data_set.files | data_set.unlabelled).items() if known}
    return all(fingerprint(files.get(file, ()), data_set) == known for file, known in published.items())


def check(data_set: DataSet, data_dir: Path) -> Iterator[tuple[str, bool]]:
    """A line for each file of a set, and whether its content is what was published."""
    for file, published in (data_set.files | data_set.unlabelled).items():
        found = summary(data_set.path(data_dir, file), data_set)
        good = found["fingerprint"] == published or not published
        labels = ", ".join(f"{label} {count:,}" for label, count in found["labels"].items())
        verdict = "as published" if good else f"fingerprint {found['fingerprint']}, published is {published}"
        if not published:
            verdict = f"fingerprint {found['fingerprint']}, that of the published set is not known"
        yield f"{data_set.name}/{file}: {found['rows']:,} rows ({labels}), {verdict}", good
