"""How each publisher lays its set out, and what becomes of it: the rows of the common layout.

(path, content) of each file in the archives --sms, spamassassin, …--> (file of the layout, row)
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from training.errors import DataError

Row = dict[str, Any]
Members = Iterator[tuple[PurePosixPath, bytes]]


def sms(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if path.name == "SMSSpamCollection":
            for number, line in enumerate(data.decode().splitlines(), start=1):
                label, _, text = line.partition("\t")
                yield (
                    "all",
                    {"id": f"sms-{number:04}", "text": text, "label": int(label == "spam"), "label_name": label},
                )


def spamassassin(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if not re.fullmatch(r"\d{5}\.[0-9a-f]{32}", path.name):
            continue  # the archives hold a listing, `cmds`, beside the messages
        group = path.parent.name
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if path.suffix != f".{md5}" and path.name != _MD5_DIFFERS:
            raise DataError(f"{path} has MD5 {md5}, not the one that its name carries")
        yield (
            "all",
            {
                "id": f"{group}/{path.name}",
                "label": int(group.startswith("spam")),
                "label_name": "spam" if group.startswith("spam") else "ham",
                "group": group,
                "raw": data.decode("latin-1"),
            },
        )


_MD5_DIFFERS: Final = "00230.244a63cd74c81123ef26129453e32c95"
"""The one message (hard_ham) whose published bytes do not have the MD5 of its name."""


def enron(archive: Members) -> Iterator[tuple[str, Row]]:
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


def youtube(archive: Members) -> Iterator[tuple[str, Row]]:
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


def aclimdb(archive: Members) -> Iterator[tuple[str, Row]]:
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


def sst2(archive: Members) -> Iterator[tuple[str, Row]]:
    """Phrases from GLUE's tables (whose dev and test are the whole sentences again, the test without labels), and
    whole sentences from the trees, a tree a line: `(3 (2 It) (4 (2 's) (4 good)))`; the neutral ones (2) dropped."""
    for path, data in archive:
        if path.parts[-2:] == ("SST-2", "train.tsv"):
            for number, line in enumerate(data.decode().removesuffix("\n").split("\n")[1:]):
                text, _, label = line.rpartition("\t")
                yield "train", _polar(f"glue-train-{number:05}", text.strip(), int(label))
        elif path.parent.name == "trees" and path.suffix == ".txt":
            for number, tree in enumerate(data.decode().removesuffix("\n").split("\n"), start=1):
                stars = int(tree[1])
                text = " ".join(_BRACKETS.get(word, word) for word in re.findall(r" ([^ ()]+)\)", tree))
                text = text.replace("\\/", "/").replace("\\*", "*")
                if stars != 2:
                    row = _polar(f"{path.stem}-{number:05}", text, int(stars > 2)) | {"label5": stars}
                    yield f"sentences_{path.stem}", row


_BRACKETS: Final = {"-LRB-": "(", "-RRB-": ")"}


def rt_polarity(archive: Members) -> Iterator[tuple[str, Row]]:
    for path, data in archive:
        if path.suffix in (".neg", ".pos"):
            for number, line in enumerate(data.decode("windows-1252").removesuffix("\n").split("\n"), start=1):
                kind = path.suffix[1:]
                yield "all", _polar(f"{kind}-{number:04}", line.strip(), int(kind == "pos"))


def amazon(archive: Members) -> Iterator[tuple[str, Row]]:
    """Files that look like XML and are not: nothing in them is escaped."""
    for path, data in archive:
        domain, kind = path.parent.name, path.stem
        if domain in ("books", "electronics") and path.suffix == ".review" and kind in ("negative", "positive"):
            found = re.findall(
                r"<(title|review_text)>\n(.*?)\n</\1>", data.decode("windows-1252", "replace"), re.DOTALL
            )
            titles, texts = (
                [text.strip() for tag, text in found if tag == wanted] for wanted in ("title", "review_text")
            )
            for number, (title, text) in enumerate(zip(titles, texts, strict=True)):
                row = _polar(f"{domain}-{kind}-{number:04}", f"{title}\n{text}".strip(), int(kind == "positive"))
                yield "all", row | {"domain": domain}


def _polar(row_id: str, text: str, label: int) -> Row:
    return {"id": row_id, "text": text, "label": label, "label_name": ("negative", "positive")[label]}
