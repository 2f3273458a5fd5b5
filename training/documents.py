"""A labelled text, and the key by which two copies of it are known to be the same.

row of a data set --datasets.read--> Document --key--> letters and digits --share--> a number in [0, 1)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple

NO_TARGET: Final = -1
"""The target of a step that has none, and of padding."""
_OTHER: Final = re.compile(r"[\W_]+")


class Document(NamedTuple):
    """`label` is the number of its class; `group` is where it stands, `<set>/<part>`; documents of one `kin`
    (reviews of one film, say) have more in common than their label does; `targets` are the classes after each
    sentence where they are known one by one, -1 for none. Where nobody has labelled a text, `beliefs` are what a
    teacher makes of its classes, one probability each, and `label` is the likeliest."""

    id: str
    text: str
    label: int
    group: str
    kin: str = ""
    targets: tuple[int, ...] = ()
    beliefs: tuple[float, ...] = ()

    @property
    def set(self) -> str:
        return self.group.partition("/")[0]


Rule = Callable[[Document], str | None]
"""The text that a rule makes of a document; None where it has nothing to do with it."""


def key(text: str) -> str:
    """A text's letters and digits, in lower case: what two copies share, however they are laid out.

    >>> key("Re: FREE entry!") == key("re : free\\n entry ! ! !") == "refreeentry"
    True
    """
    return _OTHER.sub("", text.lower())


def share(key: str) -> float:
    """A number in [0, 1) that depends on the key alone, so a text never changes its split.

    >>> round(share("refreeentry"), 6) == round(share(key("Re: free entry")), 6)
    True
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") / 2**64
