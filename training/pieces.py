"""What mailers, lists and publishers put around texts, as words of a vocabulary, to be put on documents of any label.

pieces.toml --drawn: names and digits of chance--> texts --split, ids--> Pieces, by where they stand
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from models.sentences import split
from models.vocabulary import Vocabulary
from training.tells import spaced

FILE: Final = Path(__file__).with_suffix(".toml")
EACH: Final = 30
"""How often each piece is drawn."""
SPACED: Final = 0.4
"""The share of them that are laid out as Enron's publisher does: about that of his mail among the documents."""
_NAME: Final = re.compile(r"\{(\w+)\}")

Piece = list[list[int]]
"""The ids of its sentences."""


class Pieces(NamedTuple):
    """By where they stand: before the first sentence's words, before or after a body, or between two sentences."""

    subject: list[Piece]
    before: list[Piece]
    after: list[Piece]
    between: list[Piece]


def pieces(vocabulary: Vocabulary, seed: int) -> Pieces:
    """The pieces, each drawn `EACH` times; the same for the same vocabulary and seed."""
    chance = Random(seed)  # noqa: S311 - it hides nothing from anybody
    table = tomllib.loads(FILE.read_text("utf-8"))
    found = {}
    for place in Pieces._fields:
        texts = [drawn(text, table["names"], chance) for text in table[place] for _ in range(EACH)]
        cut = ([vocabulary.ids(sentence.text) for sentence in split(text)] for text in texts)
        found[place] = [[ids for ids in piece if ids] for piece in cut]
    return Pieces(**found)


def drawn(text: str, names: Mapping[str, Sequence[str]], chance: Random) -> str:
    """The text with a name for each {list of names}, and digits for the #, in one layout or the other."""
    named = _NAME.sub(lambda found: chance.choice(names[found[1]]), text)
    whole = re.sub("#", lambda _: str(chance.randrange(10)), named)
    return spaced(whole) if chance.random() < SPACED else whole
