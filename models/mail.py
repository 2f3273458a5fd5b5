"""A mail as the text that its reader sees: what is scored, in training and in service.

    bytes --mime--> parts --the best of each alternative--> text (HTML as its reader sees it) --> Mail

The text is the subject, a newline, and the parts that a mail program shows one below the other, with a blank
line between them. Of alternatives it is the last that says anything, which is the one that is shown (RFC 2046,
5.1.4): a sender can write into the others what they like. What must be opened first, a message within the
message or an attached text, is read only where nothing else can be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from models import html, mime
from models.errors import MailTooLarge
from models.links import Link, addresses
from models.mime import Part

CHARACTERS: Final = 2_000_000
"""Characters of all texts that are looked at, tags included."""
LINKS: Final = 10_000
_HTML: Final = ("text/html", "text/x-html", "application/xhtml+xml", "text/enriched", "text/richtext")
_BEGINNING: Final = 2000
"""Characters of a plain text in which `<html` says that it is none."""


@dataclass(frozen=True)
class Scored:
    """A part of the mail that is scored. `path` counts parts from 1, as IMAP does: "1.2" is the second of the
    first; `charset` is the one that it turned out to be in."""

    path: str
    content_type: str
    charset: str


@dataclass(frozen=True)
class Mail:
    """What is scored, `text`, and where it comes from; no `parts`: the subject alone.

    `hidden` is how many letters, digits and marks of these parts nobody can see: they are not in `text`.
    """

    text: str
    parts: tuple[Scored, ...]
    links: tuple[Link, ...]
    hidden: int


def read(raw: bytes) -> Mail:
    r"""The mail in an RFC 5322 message, whatever state that is in; raises MailTooLarge and nothing else.

    >>> mail = read(b"Subject: =?utf-8?q?Caf=C3=A9?=\nContent-Type: text/html\n\n<a href=http://a.example>Free</a>")
    >>> mail.text, mail.links
    ('Café\nFree', (Link(url='http://a.example', text='Free'),))
    """
    whole = mime.parse(raw)
    looked = _Looked()
    found = looked.shown(whole) or looked.opened(whole)
    links = dict.fromkeys(link for said in found or looked.silent for link in said.links)
    if len(links) > LINKS:
        raise MailTooLarge.of("links", len(links), LINKS)
    text = "\n\n".join(said.text for said in found)
    return Mail(
        f"{mime.header(whole, 'subject')}\n{text}",
        tuple(said.part for said in found),
        tuple(links),
        sum(said.hidden for said in found),
    )


@dataclass(frozen=True)
class _Said:
    """What one part says."""

    part: Scored
    text: str
    links: Iterable[Link]
    hidden: int


class _Looked:
    """Looks for what a mail says, and counts how much that was."""

    def __init__(self) -> None:
        self._characters = 0
        self._effort = html.Effort()
        self._known: dict[tuple[int, ...], list[_Said]] = {}
        self.silent: list[_Said] = []
        """Parts without a word: pictures, mostly, and their links."""

    def shown(self, part: Part) -> list[_Said]:
        """What a mail program shows of a part."""
        if part.attached or part.get_content_maintype() == "message":
            return []
        if not part.is_multipart():
            return self._text(part)
        if part.content_type == "multipart/alternative":
            return next(filter(None, map(self.shown, reversed(part.parts))), [])
        return [said for inner in part.parts for said in self.shown(inner)]

    def opened(self, part: Part) -> list[_Said]:
        """What the first thing says that can be opened and says anything."""
        if part.is_multipart():
            found = (self.shown(inner) or self.opened(inner) for inner in part.parts)
            return next(filter(None, found), [])
        return self._text(part)

    def _text(self, part: Part) -> list[_Said]:
        """What a part without parts says; nothing where it is no text, or blank."""
        if part.path not in self._known:
            self._known[part.path] = self._read(part)
        return self._known[part.path]

    def _read(self, part: Part) -> list[_Said]:
        kind = part.content_type
        # A container that is none is one whose boundary never came.
        if kind not in ("text/plain", *_HTML) and part.get_content_maintype() != "multipart":
            return []
        text, charset = mime.content(part)
        self._characters += len(text)
        if self._characters > CHARACTERS:
            raise MailTooLarge.of("characters in its texts", self._characters, CHARACTERS)
        path = ".".join(map(str, part.path)) or "1"
        if kind in _HTML or "<html" in text[:_BEGINNING].lower():
            page = html.read(text, self._effort)
            said = _Said(Scored(path, kind, charset), page.text, page.links, page.hidden)
        else:
            said = _Said(Scored(path, kind, charset), text.strip(), addresses(text), 0)
        if not said.text:
            self.silent.append(said)
        return [said] if said.text else []
