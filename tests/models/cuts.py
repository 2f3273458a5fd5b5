"""Texts cut in two where a sentence is reported to end, and whether the two parts have the sentences of the whole.

    corpora(DATA_DIR) --cuts--> Cut(whole, before, after), one for each sentence

`python -m tests.models.cuts [DATA_DIR]` prints the share of cuts that change nothing, for each corpus.
"""

from __future__ import annotations

import random
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from models.sentences import split
from tests.models import golden
from tests.models.tiny import WORDS
from training.datasets import SETS

OPENERS: Final = (
    "The",
    "Dr. Hsu",
    "At 3 p.m.",
    '"We',
    "(You",
    "It",
    "Mr. J. R. Lang of Acme Inc.",
    "A 3.5% rise:",
    "No. 4",
)
MIDDLES: Final = (*WORDS, "e.g. the", "i.e. a", "p. 12", "vs. us", "www.example.co.uk", "$3.50", "isn't", "U.S.", "42")
ENDS: Final = (
    ".",
    ".",
    ".",
    ".",
    "!",
    "?",
    "...",
    "!!!",
    "?!",
    '."',
    ".)",
    " etc.",
    " at 5 p.m.",
    " 🎉",
    "!! 🎉",
    " :)",
)
GAPS: Final = (" ", " ", " ", " ", "  ", "\n\n", "\r\n\r\n", "\n\n- ", "\n\n* * *\n\n")
REAL: Final = ("spamassassin", "enron_spam", "sms_spam_collection", "youtube_spam", "aclimdb")
"""Sets of DATA_DIR that are read."""
DOCUMENTS: Final = 200
"""Of each set, evenly spread."""
LONGEST: Final = 20_000
"""Code points of the longest of them: a text is read once for each of its sentences."""


def prose(seed: int, sentences: int = 12) -> str:
    """Lines that are as long as their paragraphs, as most mail programs and all browsers send them."""
    some = random.Random(seed)
    text = ""
    for _ in range(sentences):
        middle = " ".join(some.choice(MIDDLES) for _ in range(some.randint(1, 18)))
        text += f"{some.choice(OPENERS)} {middle}{some.choice(ENDS)}{some.choice(GAPS)}"
    return text


def wrapped(seed: int) -> str:
    """The same, wrapped after some 70 code points, as mail was for thirty years."""
    return "\n\n".join(textwrap.fill(paragraph, 70) for paragraph in prose(seed).split("\n\n"))


WRITTEN: Final = {
    "golden": golden.texts(),
    "prose": [*map(prose, range(100))],
    "wrapped": [*map(wrapped, range(100))],
}


def real(data_dir: Path, name: str) -> list[str]:
    """Documents of a public set, as the service would read them."""
    texts = [document.text for document in SETS[name].read(data_dir)]
    return [text for text in texts[:: max(1, len(texts) // DOCUMENTS)] if len(text) <= LONGEST]


class Cut(NamedTuple):
    """The sentences of a whole text, and those of its two parts."""

    whole: list[str]
    before: list[str]
    after: list[str]

    @property
    def same(self) -> bool:
        return self.before + self.after == self.whole


def cuts(texts: Sequence[str]) -> Iterator[Cut]:
    """Every cut of every text. The second part begins at the column at which the first one ended, as in a session."""
    for text in texts:
        sentences = split(text)
        whole = [s.text for s in sentences]
        for s in sentences:
            end = s.offset + s.length
            before = split(text[:end])
            after = split(text[end:], column=before[-1].column)
            yield Cut(whole, [t.text for t in before], [t.text for t in after])


def share(found: Sequence[Cut]) -> float:
    """Of the cuts that change nothing."""
    return sum(cut.same for cut in found) / len(found)


def main() -> None:
    corpora = dict(WRITTEN)
    if len(sys.argv) > 1:
        corpora |= {name: real(Path(sys.argv[1]), name) for name in REAL}
    print(f"{'corpus':20} {'texts':>6} {'cuts':>6} {'the same':>9}")
    for name, texts in corpora.items():
        found = list(cuts(texts))
        print(f"{name:20} {len(texts):6,} {len(found):6,} {share(found):9.2%}")


if __name__ == "__main__":
    main()
