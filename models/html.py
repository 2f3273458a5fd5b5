"""What a reader sees of an HTML mail, and where its links lead.

    html --lxml, as events--> open elements, each with its Look --> text that is seen | letters that are not
                                    `-- a --> links, with the text that is seen of them

lxml gives libxml2's tokens as they come, which takes linear time whatever is written, and keeps no tree. The
trees of others were tried: Lexbor's (selectolax) follows HTML 5 to the letter, by which 270 KB of `<p><b a=1>`
`<p><b a=2>` … are some hundred million elements; libxml2's own leaves out, without a word, what stands too deep;
and the standard library's tokens are quadratic in `<!--`.

What cannot be seen is not scored: it is there for filters, not for readers, and mostly words of innocent mail
that shall outweigh the others. Where nothing at all can be seen, all is scored: then it is we who are fooled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from lxml import etree

from models.errors import MailTooLarge
from models.links import Link
from models.look import Look, Styles

DEEPEST: Final = 256
"""Elements open at once: an end tag is looked for among all of them. SpamAssassin's mail has 48 at most."""
ELEMENTS: Final = 100_000
"""Elements in all pages of a mail."""
STYLES: Final = 300_000
"""Characters of style sheets, and of style attributes that are not alike: tinycss2 reads 600 a millisecond."""
_PARAGRAPHS: Final = frozenset(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "pre")
)
_LINES: Final = frozenset(
    ("address", "article", "aside", "body", "caption", "center", "dd", "div", "dt", "fieldset", "figure", "footer")
) | {"form", "header", "hr", "legend", "li", "main", "nav", "option", "section", "td", "th", "tr"}
_UNREAD: Final = frozenset(["script", "style", "title", "template", "noembed", "noframes", "iframe", "textarea"])
_LINE, _PARAGRAPH = "\r", "\f"
"""Where an element begins or ends; `\n` is a line's end that is written as one."""
_BREAKS: Final = re.compile(r" ?[\n\r\f][ \n\r\f]*")
_BLANKS: Final = re.compile(r"\s+")
_SPACES: Final = re.compile(r" {2,}")
_UNWRITTEN: Final = re.compile(r"[\x00-\x20]+")


@dataclass(frozen=True)
class Page:
    """`hidden` is how many letters, digits and marks cannot be seen, and so are not in `text`."""

    text: str
    links: list[Link]
    hidden: int


class Effort:
    """What the pages of one mail cost so far; raises MailTooLarge where that is too much."""

    def __init__(self) -> None:
        self._elements = 0
        self._styles = 0

    def element(self) -> None:
        self._elements += 1
        if self._elements > ELEMENTS:
            raise MailTooLarge.of("elements", self._elements, ELEMENTS)

    def style(self, css: str) -> None:
        self._styles += len(css)
        if self._styles > STYLES:
            raise MailTooLarge.of("characters in styles", self._styles, STYLES)


def read(html: str, effort: Effort) -> Page:
    """A page as text: paragraphs after a blank line, lines on lines, pictures as their alternative text.

    Raises MailTooLarge.

    >>> read("<p>You &amp; I<div style='display:none'>lunch</div><b>win</b><img alt='a prize'>", Effort()).text
    'You & I\\n\\nwin a prize'
    """
    page = _read(html, effort)
    comment = html.find("<!--", html.rfind("-->") + 1)
    if page.text or comment < 0:
        return page
    # By the standard a comment without an end is all that follows; programs that show it made that a trick.
    return _read(html[:comment] + html[comment + len("<!--") :], effort)


def _read(html: str, effort: Effort) -> Page:
    reader = _Reader(effort)
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    # NUL is no character of HTML; browsers leave it out, too.
    parser.feed(html.replace("\0", "").encode("utf-8", "replace"))
    parser.close()
    return reader.page()


class _Open(NamedTuple):
    """An element that is open. `unread` is what no mail program writes out; `sheet` is one for styles."""

    look: Look = Look()
    seen: bool = True
    unread: bool = False
    pre: bool = False
    sheet: bool = False


class _Piece(NamedTuple):
    text: str
    seen: bool = True


class _Reader:
    """What lxml calls at every tag and text."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._styles = Styles(effort.style)
        self._sheet: list[str] = []
        self._open = [_Open()]
        self._pieces: list[_Piece] = []
        self._links: list[tuple[str, int, int]] = []  # the address, and from where to where its pieces go
        self._anchor: tuple[str, int] | None = None

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._effort.element()
        around = self._open[-1]
        look = around.look.inside(tag, attributes, self._styles)
        seen = around.seen if look is around.look else look.seen
        here = _Open(look, seen, around.unread or tag in _UNREAD, around.pre or tag == "pre", tag == "style")
        self._open.append(here)
        if len(self._open) > DEEPEST:
            raise MailTooLarge.of("elements in each other", len(self._open), DEEPEST)
        self._break("\n" if tag == "br" else _breaks(tag))
        if tag == "a":
            self._leave()
            address = _UNWRITTEN.sub("", attributes.get("href") or "")
            if address and not address.startswith("#") and not here.unread and not look.gone:
                self._anchor = (address, len(self._pieces))
        elif tag == "img" and (name := attributes.get("alt")) and not here.unread:
            self._pieces.append(_Piece(f" {_BLANKS.sub(' ', name)} ", seen))

    def end(self, tag: str) -> None:
        closed = self._open.pop()
        self._break(_breaks(tag))
        if tag == "a":
            self._leave()
        elif closed.sheet:
            self._styles.add("".join(self._sheet))
            self._sheet.clear()

    def data(self, text: str) -> None:
        here = self._open[-1]
        if here.sheet:
            self._sheet.append(text)
        elif not here.unread:
            self._pieces.append(_Piece(text if here.pre else _BLANKS.sub(" ", text), here.seen))

    def close(self) -> None:
        self._leave()

    def page(self) -> Page:
        hidden = "".join(piece.text for piece in self._pieces if not piece.seen)
        everything = not any(piece.seen and not piece.text.isspace() for piece in self._pieces)
        text = "".join(piece.text for piece in self._pieces if piece.seen or everything)
        links = [
            Link(address, _BLANKS.sub(" ", "".join(piece.text for piece in self._pieces[a:b] if piece.seen)).strip())
            for address, a, b in self._links
        ]
        text = _BREAKS.sub(_broken, _SPACES.sub(" ", text)).strip()
        return Page(text, links, 0 if everything else len(_BLANKS.sub("", hidden)))

    def _break(self, mark: str) -> None:
        if mark:
            self._pieces.append(_Piece(mark))

    def _leave(self) -> None:
        if self._anchor is not None:
            self._links.append((*self._anchor, len(self._pieces)))
            self._anchor = None


def _breaks(tag: str) -> str:
    return _PARAGRAPH if tag in _PARAGRAPHS else _LINE if tag in _LINES else ""


def _broken(run: re.Match[str]) -> str:
    return "\n\n" if _PARAGRAPH in run[0] or run[0].count("\n") > 1 else "\n"
