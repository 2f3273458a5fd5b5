"""What a word stands for that no vocabulary holds, because it was written to be read by people only.

fr33, vìаgrа, c@$h, freeeee --readings--> free, viagra, cash, free     f r e e m o n e y --pieces--> free, money

Whoever looks words up tries these where a word is unknown, and takes what is known; so nothing is folded that a
vocabulary holds as it is, and ordinary text never comes here.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

LONGEST: Final = 16
"""The letters of a word that `pieces` looks for."""
SHORTEST: Final = 3
"""The letters that the words it finds must have on average."""

# Letters drawn alike (after Unicode Technical Standard 39, confusables), in lower case, so those that are alike in
# capitals are here too: Cyrillic, Greek, Armenian, strays of Latin, small capitals.
_ALIKE: Final = str.maketrans(
    "авсԁеѓгһіјкӏмнорԛѕтуԝхѵзьъґαβςδεηικλμνοπρστυχωζγոօցհսզɑʙᴄᴅᴇɛꜰƒɡɢʜħıɩɪȷᴊᴋʟłᴍɴᴏøᴘʀꜱᴛŧᴜᴠʋᴡʏᴢđᴀ",
    "abcderrhijklmhopqstywxvebbrabcdeniklmvonpotuxwzynoghuqabcdeeffgghhiiijjkllmnooprsttuvvwyzda",
)
_DIGITS: Final = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s", "€": "e"}
_LEET: Final = str.maketrans(_DIGITS | dict.fromkeys("1!|£", "1"))
_MOST: Final = 3
"""The signs of a word that may be an i or an l each by itself; of more, all are one or the other."""
_FEIGNED: Final = re.compile(r"[0-9@$€£!|]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DRAWN_OUT: Final = re.compile(r"([^\W\d_])\1{2,}")
_ORDINAL: Final = re.compile(r"\d+(?:st|nd|rd|th|am|pm|[a-z])")


def readings(word: str) -> Iterator[str]:
    """What a word in lower case may stand for, the likeliest first: without accents and with Latin letters for those
    drawn alike; with letters for the digits and signs among its letters; with what is drawn out made short.

    >>> list(readings("fr33")), list(readings("sooo")), list(readings("раypаl")), list(readings("10am"))
    (['free'], ['soo', 'so'], ['paypal'], [])
    """
    if not word.isascii():
        taken_apart = unicodedata.normalize("NFD", word)
        word = "".join(c for c in taken_apart if not unicodedata.combining(c)).translate(_ALIKE)
        yield word
    if not word.isalpha() and _FEIGNED.search(word) and _LETTER.search(word) and not _ORDINAL.fullmatch(word):
        head, *tails = word.translate(_LEET).split("1")
        for letters in product("il", repeat=len(tails)) if len(tails) <= _MOST else ("i" * LONGEST, "l" * LONGEST):
            yield head + "".join(map(str.__add__, letters, tails))
    if _DRAWN_OUT.search(word):
        for times in (r"\1\1", r"\1"):
            yield _DRAWN_OUT.sub(times, word)


def plain(word: str) -> bool:
    """Whether a word is of ASCII letters and has no readings.

    >>> plain("free"), plain("fr33"), plain("freee")
    (True, False, False)
    """
    return word.isascii() and word.isalpha() and not _DRAWN_OUT.search(word)


def pieces(letters: str, index: Mapping[str, int]) -> list[str]:
    """The words that letters without blanks are made of, empty where that cannot be told.

    The likeliest words of the index, where a word of rank r is as likely as 1 / r (Zipf), by Viterbi's algorithm:
    at most `LONGEST` look-ups a letter.

    >>> pieces("freemoney", {"money": 1, "free": 2, "mo": 3, "ney": 4}), pieces("xq", {"x": 1, "q": 2})
    (['free', 'money'], [])
    """
    cost, start = [0.0], [0]
    for end in range(1, len(letters) + 1):
        found = [
            (cost[s] + math.log(index[letters[s:end]]) + _PER_WORD, s)
            for s in range(max(0, end - LONGEST), end)
            if letters[s:end] in index
        ]
        best = min(found, default=(math.inf, 0))
        cost.append(best[0])
        start.append(best[1])
    if math.isinf(cost[-1]):
        return []
    words: list[str] = []
    end = len(letters)
    while end:
        words.append(letters[start[end] : end])
        end = start[end]
    return words[::-1] if len(letters) >= SHORTEST * len(words) else []


_PER_WORD: Final = 2.3
"""ln ln of some 20,000 words: what makes the likelihoods of Zipf's law add up to 1."""
