"""Texts as spam is written to slip through, made by rules; of ham too, since people write with accents and blanks.

document --write, by one rule--> the same for people, another text for a machine
Unicode's confusables (UTS 39) --_alike--> the look-alikes of a letter, whatever models/disguise.py folds
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from random import Random
from typing import Final

from confusable_homoglyphs.confusables import confusables_data

from training.documents import Document, Rule

WORDS: Final = 0.5
"""The share of the words of four letters and more that are disguised."""
LETTERS: Final = 0.5
"""The share of a word's letters that are replaced, or followed by what nobody sees; at least one is, if any can be."""

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_LEET: Final = {"a": "4@", "b": "8", "e": "3", "i": "1!", "l": "1", "o": "0", "s": "5$", "t": "7"}
_UNSEEN: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def leet(word: str, chance: Random) -> str:
    """vi4gr@"""
    return _replaced(word, _LEET | {c.upper(): signs for c, signs in _LEET.items()}, chance)


def homoglyphs(word: str, chance: Random) -> str:
    """What Unicode says may be taken for a letter, in whatever script."""
    return _replaced(word, _alike(), chance)


def accents(word: str, chance: Random) -> str:
    """víägrą"""
    return _replaced(word, _accented(), chance)


def zero_width(word: str, chance: Random) -> str:
    """Characters between the letters that nobody sees."""
    after = _some(range(len(word) - 1), chance)
    return "".join(c + (chance.choice(_UNSEEN) if i in after else "") for i, c in enumerate(word))


def spacing(word: str, chance: Random) -> str:
    """v i a g r a, v.i.a.g.r.a, v-i-a-g-r-a"""
    return chance.choice(" .-*_").join(word)


def split_words(word: str, chance: Random) -> str:
    """via gra"""
    at = chance.randrange(2, len(word) - 1)
    return f"{word[:at]} {word[at:]}"


RULES: Final[dict[str, Callable[[str, Random], str]]] = {
    "leet": leet,
    "homoglyphs": homoglyphs,
    "accents": accents,
    "zero-width": zero_width,
    "spacing": spacing,
    "split words": split_words,
}


def write(text: str, rule: str, seed: int | str = 1) -> str:
    """The text with `WORDS` of its words disguised; the same for the same text, rule and seed."""
    chance = Random(f"{seed} {rule} {text}")  # noqa: S311 - it hides nothing from anybody

    def disguised(word: re.Match[str]) -> str:
        return RULES[rule](word[0], chance) if chance.random() < WORDS else word[0]

    return _WORD.sub(disguised, text)


def rules() -> dict[str, Rule]:
    return {name: partial(_disguised, name) for name in RULES}


def _disguised(rule: str, document: Document) -> str:
    return write(document.text, rule)


@cache
def _alike() -> dict[str, list[str]]:
    """The look-alikes of each letter, less those that NFKC makes the letter again, as anybody's reader does."""
    found = {}
    for letter in string.ascii_letters:
        alike = [entry["c"].strip("\u200e") for entry in confusables_data.get(letter, [])]
        forms = {unicodedata.normalize("NFKC", form) for form in alike}
        found[letter] = sorted(form for form in forms if form.lower() != letter.lower())
    return found


@cache
def _accented() -> dict[str, list[str]]:
    """Each letter with every accent that Unicode has it with in one character."""
    found: dict[str, list[str]] = {}
    for c in map(chr, range(0x80, 0x2000)):
        apart = unicodedata.normalize("NFD", c)
        if len(apart) > 1 and apart[0] in string.ascii_letters:
            found.setdefault(apart[0], []).append(c)
    return found


def _replaced(word: str, by: Mapping[str, Sequence[str]], chance: Random) -> str:
    chosen = _some([i for i, c in enumerate(word) if by.get(c)], chance)
    return "".join(chance.choice(by[c]) if i in chosen else c for i, c in enumerate(word))


def _some(places: Sequence[int], chance: Random) -> set[int]:
    chosen = {place for place in places if chance.random() < LETTERS}
    return chosen or set(chance.sample(list(places), min(1, len(places))))
