"""Where the data sets are published, and how an archive becomes rows of the common layout.

SOURCES[set] --download--> archives --rows of each member--> DATA_DIR/<set>/<file>.jsonl.gz

Checksums of whole archives are those that other projects pin for the same addresses: aclImdb_v1.tar.gz
in TensorFlow Datasets and MLDatasets.jl, SST-2.zip in TensorFlow Datasets, the trees in Flux's model zoo,
the SMS collection in MLDatasets.jl, the YouTube collection in several public repositories. For the others
none was found, so their content is checked instead: SpamAssassin's file names carry the MD5 of each
message, and the rows of every set but amazon_reviews have a fingerprint (`datasets.fingerprint`),
computed from a complete copy. An archive without a checksum stays only where its content is right.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from training import layouts
from training.datasets import SETS, as_published
from training.download import download
from training.errors import DataError
from training.layouts import Members, Row

_DAMAGE: Final = (
    DataError, OSError, EOFError, ValueError, LookupError, tarfile.TarError, zipfile.BadZipFile, zlib.error
)  # fmt: skip
"""What reading an archive raises that is cut short, spoilt, or laid out in another way."""


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
    unchecked = []
    for url, sha256 in source.archives:
        file = url.rpartition("/")[2]
        address = f"{mirror.rstrip('/')}/{file}" if mirror else url
        archives.append(download(address, folder / file, sha256))
        unchecked += [] if sha256 else archives[-1:]
    files: dict[str, list[Row]] = {}
    try:
        for file, row in source.rows(member for archive in archives for member in members(archive)):
            files.setdefault(file, []).append(row)
    except _DAMAGE as error:
        _remove(unchecked)
        raise DataError(
            f"an archive in {folder} is damaged, or another than was published ({error}); those without a checksum "
            "were removed: run the command again, or name another server with --mirror"
        ) from error
    for file, rows in files.items():
        write(data_dir / name / f"{file}.jsonl.gz", sorted(rows, key=lambda row: str(row["id"])))
    if unchecked and not as_published(SETS[name], files):
        _remove(unchecked)


def _remove(archives: Iterable[Path]) -> None:
    """So that the next call fetches them anew."""
    for archive in archives:
        archive.unlink()


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
        layouts.sms,
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
        layouts.spamassassin,
    ),
    "enron_spam": Source(tuple((f"{_ENRON}/enron{n}.tar.gz", "") for n in (1, 2, 4, 5)), layouts.enron),
    "youtube_spam": Source(
        (
            (
                f"{_UCI}/380/youtube+spam+collection.zip",
                "bd6182891adb3cfc8334b82c062176dfbebc563bf0ba07e31c2645f916865a0a",
            ),
        ),
        layouts.youtube,
    ),
    "aclimdb": Source(
        (
            (
                "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
            ),
        ),
        layouts.aclimdb,
    ),
    "sst2": Source(
        (
            (
                "https://dl.fbaipublicfiles.com/glue/data/SST-2.zip",
                "d67e16fb55739c1b32cdce9877596db1c127dc322d93c082281f64057c16deaa",
            ),
            (
                "https://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip",
                "5c613a4f673fc74097d523a2c83f38e0cc462984d847b82c7aaf36b01cbbbfcc",
            ),
        ),
        layouts.sst2,
    ),
    "rt_polarity": Source(
        (("https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz", ""),),
        layouts.rt_polarity,
    ),
    "amazon_reviews": Source(
        (("https://www.cs.jhu.edu/~mdredze/datasets/sentiment/domain_sentiment_data.tar.gz", ""),), layouts.amazon
    ),
}
