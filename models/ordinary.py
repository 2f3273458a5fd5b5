"""Sentences so plain that `sentencex` need not see them, which most are.

text --ORDINARY--> a sentence (group 1), what comes after it (2: a blank line, 3: nothing)
its last word --ends_a_sentence--> whether that is its end, too
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import sentencex

AFTER: Final = 16
"""Code points after a run of terminators that `sentencex` is shown: the look-ahead, and so the delay of an event."""

# A sentence so plain that `sentencex` has no rule for English which could keep it from ending here, but for its last
# word: one line of ASCII, where terminators go right on and brackets close behind words; then come a letter and, as far
# as is shown, nothing that could close a quotation or a bracket. Or, whatever the word, a blank line (group 2); or
# nothing (group 3).
_INSIDE: Final = r'[ "-(*-\-/->@-~]+'
_CLOSED: Final = r"(?<=[A-Za-z]{4})(?<![ivxlcdmIVXLCDM]{4})\)"
_ON: Final = r"(?<! )(?:[.!?]+(?=[a-z0-9])|\.\.+(?= [a-z0-9]))"
_SHOWN: Final = "[ !#-&(*-;=?A-Z^_a-z|~]"
ORDINARY: Final = re.compile(
    rf"\s*([A-Za-z]{_INSIDE}+(?:(?:{_ON}|{_CLOSED}){_INSIDE}+)*+(?:{_CLOSED})?[.!?]++)"
    rf"(?:(?= {{1,2}}(?:[A-HJ-Z]|I[a-z]|(?<![.!?][.!?] )(?<![.!?][.!?]  )[Ia-z]))"
    rf"(?=(?:{_SHOWN}|'(?=[a-z])){{{AFTER - 1}}}{_SHOWN})"
    rf"|(?= ?\n\n[\s\S]{{{AFTER - 2}}})()|(?=[ \t\n\r]*\Z)())"
)
_LAST_WORD: Final = re.compile(r" (?:[A-Za-z0-9-]{2,15}|[0-9])\)?")


@lru_cache(4096)
def ends_a_sentence(word: str) -> bool:
    """Whether a full stop after a word and the blank before it ends a sentence, wherever that stands."""
    return _LAST_WORD.fullmatch(word) is not None and all(
        len(sentencex.segment("en", f"{before}{word}. Zz")) == 2 for before in ("we", "5")
    )
