"""Where the links of a mail lead, and what they show.

HTML's anchors, or addresses in a text --> Link(url, text) --> mismatched?
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import urlsplit

_ADDRESS: Final = re.compile(r"\b(?:https?://|www\.)[^\s<>\"'\x00-\x1f]+", re.IGNORECASE)
_AFTER: Final = ".,;:!?)]}*_"
# A host that is shown as one: in an address, or alone. Labels are bounded, and begin where no other can.
_HOST: Final = r"((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w-])"
_SHOWN: Final = re.compile(rf"(?<![\w.@-])(?:https?://(?:www\.)?|www\.){_HOST}", re.IGNORECASE)
_ALONE: Final = re.compile(rf"(?:www\.)?{_HOST}(?:[/?#:]\S*)?", re.IGNORECASE)
_FILES: Final = frozenset(("pdf", "txt", "htm", "html", "doc", "docx", "xls", "xlsx", "ppt", "jpg", "png", "gif", "js"))


class Link(NamedTuple):
    """`url` as written, without blanks; `text` is what the reader sees of it, empty for a picture without a name."""

    url: str
    text: str

    @property
    def mismatched(self) -> bool:
        """True where the text shows a host, and the link leads to another that is no part of it.

        >>> Link("http://evil.example/x", "www.paypal.com").mismatched
        True
        >>> Link("http://www.paypal.com/x", "Log in at https://paypal.com").mismatched
        False
        >>> Link("http://evil.example/x", "Click here").mismatched
        False
        """
        shown, target = _shown(self.text), host(self.url)
        related = shown == target or shown.endswith(f".{target}") or target.endswith(f".{shown}")
        return bool(shown and target) and not related


def host(url: str) -> str:
    """The host that a browser would ask, without `www.`; empty where there is none."""
    try:
        name = urlsplit(url.replace("\\", "/")).hostname or ""
    except ValueError:
        return ""
    return name.rstrip(".").removeprefix("www.")


def _shown(text: str) -> str:
    found = _SHOWN.search(text) or _ALONE.fullmatch(text)
    name = found[1].lower() if found else ""
    return "" if name.rpartition(".")[2] in _FILES else name


def addresses(text: str) -> Iterator[Link]:
    """The addresses that a mail program makes links of in a plain text."""
    for found in _ADDRESS.finditer(text):
        shown = found[0].rstrip(_AFTER)
        yield Link(shown if "://" in shown else f"http://{shown}", shown)
