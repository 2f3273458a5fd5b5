"""bogofilter, the Bayesian filter that mail servers run (Robinson 2003, with Fisher's method).

texts --a file each, as messages--> bogofilter -s, -n --word lists--> bogofilter -T --spamicity--> Scores

A program, not a library: `make tools` installs it, and without it there is no such row.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from training.documents import Document
from training.score import Scores

NAME: Final = "bogofilter"
LABELS: Final = ("ham", "spam")
_LISTS: Final = "wordlist.db"
_ERROR: Final = 3


def learn(train: Sequence[Document]) -> Callable[[Sequence[Document]], Scores] | None:
    """The filter with word lists of its own; None where the program is not installed."""
    if shutil.which("bogofilter") is None:
        return None
    with TemporaryDirectory() as folder:
        for label, option in enumerate(("-n", "-s")):
            _run(Path(folder), option, [document for document in train if document.label == label])
        lists = (Path(folder) / _LISTS).read_bytes()

    def classify(documents: Sequence[Document]) -> Scores:
        with TemporaryDirectory() as folder:
            (Path(folder) / _LISTS).write_bytes(lists)
            spam = np.array([float(line.split()[1]) for line in _run(Path(folder), "-TT", documents)])
        return Scores.whole(documents, np.stack([1 - spam, spam], axis=1))

    return classify


def _run(lists: Path, option: str, documents: Sequence[Document]) -> list[str]:
    """The lines that bogofilter prints, one per document where it classifies."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(_message(document.text), "utf-8", errors="replace")
        done = subprocess.run(
            ["bogofilter", "-C", "-d", str(lists), option, "-b"],
            input="".join(f"{path}\n" for path in paths),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode >= _ERROR:  # less is what it thought of the last message
        raise RuntimeError(f"bogofilter {option} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.splitlines()


def _message(text: str) -> str:
    """As a mail: the first of several lines is its subject, as in the sets of mail."""
    subject, newline, body = text.partition("\n")
    return f"Subject: {subject}\n\n{body}" if newline else f"\n{text}"
