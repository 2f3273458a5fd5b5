"""Spam as it is written to slip through, made by rules from spam that was held out.

documents --write, one rule after another--> disguised documents --score--> recall with and without, same threshold
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import numpy as np

from models.predictor import Predictor
from training.documents import Document, share
from training.score import score

WORDS: Final = 0.5
"""The share of the words of four letters and more that are disguised."""
LETTERS: Final = 0.5
"""The share of a word's letters that are replaced, or followed by what nobody sees; at least one is, if any can be."""
MOST: Final = 1000
"""Documents that are disguised; of more, those with the smallest `documents.share`."""

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_LEET: Final = {"a": "4@", "b": "8", "e": "3", "i": "1!", "l": "1", "o": "0", "s": "5$", "t": "7"}
_ALIKE: Final = {
    "a": "аɑαᴀàáä", "c": "сϲᴄç", "d": "ԁᴅ", "e": "еéèëᴇ", "g": "ɡց", "h": "һհ", "i": "іıíìïɪ", "j": "ј", "k": "κк",
    "l": "ӏʟ", "m": "мᴍ", "n": "ոñɴ", "o": "оοöóòօᴏ", "p": "рρᴘ", "r": "гʀ", "s": "ѕꜱ", "t": "тτᴛ", "u": "υսüúᴜ",
    "v": "ѵνᴠ", "w": "ԝᴡ", "x": "хχ", "y": "уýʏ", "z": "ᴢ",
}  # fmt: skip
_UNSEEN: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"


def leet(word: str, chance: Random) -> str:
    """vi4gr@"""
    return _replaced(word, _LEET, chance)


def homoglyphs(word: str, chance: Random) -> str:
    """Letters of other scripts, and letters with accents, that look like the word's own."""
    return _replaced(word, _ALIKE, chance)


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


def recalls(predictor: Predictor, documents: Sequence[Document], threshold: float = 0.5) -> dict[str, Any]:
    """The recall on the spam among `documents` as it is, and disguised by each rule, all at one threshold."""
    spam = sorted((d for d in documents if d.label == 1), key=lambda d: share(d.text))[:MOST]
    if not spam:
        return {}

    def recall(chosen: Sequence[Document], name: str) -> float:
        return float(np.mean(score(predictor, chosen, name).last[:, 1] >= threshold))

    found: dict[str, Any] = {"documents": len(spam), "threshold": threshold, "plain": recall(spam, "plain")}
    for rule in RULES:
        found[rule] = recall([d._replace(text=write(d.text, rule)) for d in spam], rule)
    return found


def _replaced(word: str, by: dict[str, str], chance: Random) -> str:
    chosen = _some([i for i, c in enumerate(word) if c.lower() in by], chance)
    return "".join(chance.choice(by[c.lower()]) if i in chosen else c for i, c in enumerate(word))


def _some(places: Sequence[int], chance: Random) -> set[int]:
    chosen = {place for place in places if chance.random() < LETTERS}
    return chosen or set(chance.sample(list(places), min(1, len(places))))
