"""Where the data sets are published, and how an archive becomes rows of the common layout.

SOURCES[set] --download--> archives --rows of each member--> DATA_DIR/<set>/<file>.jsonl.gz

Checksums of whole archives are those that other projects pin for the same addresses: aclImdb_v1.tar.gz
in TensorFlow Datasets and MLDatasets.jl, the SMS collection in MLDatasets.jl, the YouTube collection
in several public repositories. For Enron-Spam and SpamAssassin none was found, so their content is
checked instead: SpamAssassin's file names carry the MD5 of each message, and every set's rows have a
fingerprint (`datasets.fingerprint`), computed from a complete copy.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from training.download import download
from training.errors import DataError
from training.mail import body, header

Row = dict[str, Any]
Members = Iterator[tuple[PurePosixPath, bytes]]


@dataclass(frozen=True)
class Source:
    """`archives` are (address, sha256 or ""); `rows` turns their members into (file, row) pairs."""

    archives: tuple[tuple[str, str], ...]
    rows: Callable[[Members], Iterator[tuple[str, Row]]]


def fetch(name: str, data_dir: Path, mirror: str = "") -> None:
    """Downloads a set and writes it in the common layout; `mirror` replaces all but the files' names."""
    source = SOURCES[name]
    folder = data_dir / name / "archives"
    archives = []
    for url, sha256 in source.archives:
        file = url.rpartition("/")[2]
        address = f"{mirror.rstrip('/')}/{file}" if mirror else url
        archives.append(download(address, folder / file, sha256))
    files: dict[str, list[Row]] = {}
    try:
        for file, row in source.rows(member for archive in archives for member in members(archive)):
            files.setdefault(file, []).append(row)
    except (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DataError(f"an archive in {folder} is damaged ({error}): remove it and run the command again") from error
    for file, rows in files.items():
        write(data_dir / name / f"{file}.jsonl.gz", sorted(rows, key=lambda row: str(row["id"])))


def members(archive: Path) -> Members:
    """The files of a zip or tar archive, read in place: nothing is unpacked to disk."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    yield PurePosixPath(info.filename), packed.read(info)
        return
    with tarfile.open(archive) as unpacked:
        for entry in unpacked:
            content = unpacked.extractfile(entry)
            if content is not None:
                yield PurePosixPath(entry.name), content.read()


def write(path: Path, rows: Iterable[Row]) -> None:
    """Gzip'd JSON lines; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        for row in rows:
            packed.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _sms(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if path.name == "SMSSpamCollection":
            for number, line in enumerate(data.decode().splitlines(), start=1):
                label, _, text = line.partition("\t")
                yield (
                    "all",
                    {"id": f"sms-{number:04}", "text": text, "label": int(label == "spam"), "label_name": label},
                )


def _spamassassin(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if not re.fullmatch(r"\d{5}\.[0-9a-f]{32}", path.name):
            continue  # the archives hold a listing, `cmds`, beside the messages
        group = path.parent.name
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if path.suffix != f".{md5}" and path.name != _MD5_DIFFERS:
            raise DataError(f"{path} has MD5 {md5}, not the one that its name carries: remove the archive, fetch again")
        yield (
            "all",
            {
                "id": f"{group}/{path.name}",
                "text": body(data),
                "label": int(group.startswith("spam")),
                "label_name": "spam" if group.startswith("spam") else "ham",
                "subject": header(data, "Subject"),
                "group": group,
                "raw": data.decode("latin-1"),
            },
        )


_MD5_DIFFERS: Final = "00230.244a63cd74c81123ef26129453e32c95"
"""The one message (hard_ham) whose published bytes do not have the MD5 of its name."""


def _enron(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if path.suffix != ".txt" or path.parent.name not in ("ham", "spam"):
            continue  # Summary.txt
        subject, _, text = _decoded(data).replace("\r\n", "\n").partition("\n")
        file, label = path.parts[-3], path.parent.name
        yield (
            file,
            {
                "id": f"{file}/{label}/{path.name}",
                "text": text.strip(),
                "label": int(label == "spam"),
                "label_name": label,
                "subject": subject.removeprefix("Subject:").strip(),
            },
        )


def _decoded(data: bytes) -> str:
    for codec in ("utf-8", "windows-1252"):
        try:
            return data.decode(codec)
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1")


def _youtube(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if path.stem not in ("Youtube01-Psy", "Youtube02-KatyPerry", "Youtube03-LMFAO"):
            continue
        for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")):
            label = int(row["CLASS"])
            yield (
                "all",
                {
                    "id": f"{path.stem}/{row['COMMENT_ID']}",
                    "text": row["CONTENT"],
                    "label": label,
                    "label_name": "spam" if label else "ham",
                    "author": row["AUTHOR"],
                    "date": row["DATE"],
                    "video": path.stem.partition("-")[2],
                },
            )


def _aclimdb(archive: Members) -> Iterator[tuple[str, Row]]:
    names = {"neg": (0, "negative"), "pos": (1, "positive"), "unsup": (-1, "unlabelled")}
    found: list[tuple[str, str, str, str]] = []
    films: dict[tuple[str, str], list[str]] = {}
    for path, data in archive:
        if path.name.startswith("urls_"):  # line n names the film of review n
            films[path.parts[-2], path.stem.removeprefix("urls_")] = re.findall(r"title/(tt\d+)", data.decode())
        elif path.suffix == ".txt" and path.parent.name in names:
            found.append((path.parts[-3], path.parts[-2], path.stem, data.decode()))
    for part, kind, stem, text in found:
        label, label_name = names[kind]
        number, _, stars = stem.partition("_")
        row = {"id": f"{part}/{kind}/{stem}", "text": text, "label": label, "label_name": label_name}
        movie = films[part, kind][int(number)]
        yield "unsup" if kind == "unsup" else part, row | {"stars": int(stars), "movie": movie}


_UCI: Final = "https://archive.ics.uci.edu/static/public"
_SPAMASSASSIN: Final = "https://spamassassin.apache.org/old/publiccorpus"
_ENRON: Final = "http://www2.aueb.gr/users/ion/data/enron-spam/preprocessed"

SOURCES: Final[dict[str, Source]] = {
    "sms_spam_collection": Source(
        (
            (
                f"{_UCI}/228/sms+spam+collection.zip",
                "1587ea43e58e82b14ff1f5425c88e17f8496bfcdb67a583dbff9eefaf9963ce3",
            ),
        ),
        _sms,
    ),
    "spamassassin": Source(
        tuple(
            (f"{_SPAMASSASSIN}/{name}.tar.bz2", "")
            for name in (
                "20030228_easy_ham",
                "20030228_easy_ham_2",
                "20030228_hard_ham",
                "20030228_spam",
                "20050311_spam_2",
            )
        ),
        _spamassassin,
    ),
    "enron_spam": Source(tuple((f"{_ENRON}/enron{n}.tar.gz", "") for n in (1, 2, 4, 5)), _enron),
    "youtube_spam": Source(
        (
            (
                f"{_UCI}/380/youtube+spam+collection.zip",
                "bd6182891adb3cfc8334b82c062176dfbebc563bf0ba07e31c2645f916865a0a",
            ),
        ),
        _youtube,
    ),
    "aclimdb": Source(
        (
            (
                "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            ),
        ),
        _aclimdb,
    ),
}
