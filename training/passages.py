"""Texts of other tasks as texts that are not what is looked for: reviews are not spam.

documents of a set --the smallest `share`s--> texts --a stretch of one to eight sentences--> Documents of label 0

The sets of one task are few, and what they have in common is not what the world has in common: with some prose on other
matters, words that are merely not office mail are no longer spam.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

from models.sentences import split
from training.documents import Document, key, share

LENGTHS: Final = (1, 1, 2, 3, 5, 8)
"""Sentences of a passage, each as likely as the others."""


def passages(documents: Iterable[Document], most: int, seed: int) -> list[Document]:
    """A passage each from `most` of the texts; the same for the same texts and seed."""
    chosen = sorted((d for d in documents if key(d.text)), key=lambda document: share(key(document.text)))[:most]
    return [_passage(d, Random(f"{seed} {d.id}")) for d in chosen]  # noqa: S311 - it hides nothing from anybody


def _passage(document: Document, chance: Random) -> Document:
    sentences = split(document.text)
    number = min(chance.choice(LENGTHS), len(sentences))
    first = chance.randrange(len(sentences) - number + 1)
    last = sentences[first + number - 1]
    text = document.text[sentences[first].offset : last.offset + last.length]
    return document._replace(text=text, label=0, targets=())
