"""What a raw message says, for the one set that is published as raw messages.

bytes --email--> text/plain parts, else text/html ones --tags, scripts, styles dropped--> text
"""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header
from email.message import Message
from html.parser import HTMLParser
from typing import Final

_BLOCKS: Final = frozenset(
    ("p", "div", "br", "tr", "li", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "title", "blockquote", "center")
)


def header(raw: bytes, name: str) -> str:
    """A header, decoded, on one line; empty where there is none."""
    value = str(email.message_from_bytes(raw, policy=email.policy.compat32).get(name, ""))
    text = ""
    for part, charset in _encoded_words(value):
        text += part if isinstance(part, str) else _decode(part, charset)
    return " ".join(text.split())


def body(raw: bytes) -> str:
    """The text/plain parts that are not attachments; where there are none, the text/html ones as text."""
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    parts = [p for p in message.walk() if p.get_content_maintype() == "text" and not _attached(p)]
    plain = [_content(p) for p in parts if p.get_content_type() == "text/plain"]
    if any(text.strip() for text in plain):
        text = "\n".join(plain)
        return html_to_text(text).strip() if _is_html(text) else text.strip()
    return "\n".join(html_to_text(_content(p)) for p in parts if p.get_content_type() == "text/html").strip()


def html_to_text(html: str) -> str:
    """What a reader sees of HTML, block by block on lines of their own.

    >>> html_to_text("<p>You &amp; I</p><script>x()</script><b>win</b>").strip()
    'You & I\\nwin'
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return "".join(reader.pieces)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("script", "style")))
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _is_html(text: str) -> bool:
    return "<html" in text[:2000].lower()


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return _decode(payload, part.get_content_charset()) if isinstance(payload, bytes) else ""


def _decode(data: bytes, charset: str | None) -> str:
    for codec in (charset or "utf-8", "utf-8", "windows-1252"):
        try:
            return data.decode(codec)
        except (UnicodeDecodeError, LookupError):
            pass
    return data.decode("latin-1")


def _encoded_words(value: str) -> list[tuple[bytes | str, str | None]]:
    try:
        return list(decode_header(value))
    except (ValueError, email.errors.MessageError):
        return [(value, None)]
