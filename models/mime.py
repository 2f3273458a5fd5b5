"""A raw message as a tree of parts, whatever state it is in, and what its headers and its parts say.

    bytes --email's parser, bounded--> Part tree --transfer encoding--> bytes --charset--> text

The parser is the standard library's, with headers left as they stand. Its modern policy was tried on the 6,046
raw messages of SpamAssassin: it raises on 26 of them (charsets like `DEFAULT_CHARSET`) and takes 6.6 s for one,
since it parses a header anew at every look and copies what is left of it at every word. The fast parser in Rust
(fast-mail-parser) refuses a message whose base64 is broken, and a message refused is one that gets through.

Charsets are those of the WHATWG's Encoding Standard (webencodings), as mail programs have them, so nobody can
name a codec of Python's that is quadratic (punycode, idna).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from email.errors import HeaderParseError, InvalidBase64LengthDefect
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from typing import Any, Final

import webencodings

from models.errors import MailTooLarge

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of a message."""
LINES: Final = 250_000
"""Line ends in it: the parser goes line by line."""
HEADERS: Final = 256 * 1024
"""Characters of all headers, those of its parts included."""
HEADER: Final = 64 * 1024
"""Characters of one header: parsing its parameters and its encoded words is quadratic."""
PARTS: Final = 200
"""Parts, and the containers that they are in."""
DEPTH: Final = 10
"""Containers around a part."""

_BEFORE: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*\r?\n|>?From [^\n]*\n)*")
_BOUNDARY: Final = re.compile(rb"^--(\S[^\r\n]{0,69}?)[ \t]*\r?\n(?=content-)", re.IGNORECASE | re.MULTILINE)
_PREAMBLE: Final = 2000
"""Bytes of a body within which a boundary must come that nobody declared."""
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_META: Final = re.compile(rb"<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?([\w:.-]{1,40})", re.IGNORECASE)
_CHARSET: Final = re.compile(
    r"[;\s]charset\*?\s{0,9}=\s{0,9}\"?(?:[\w-]{1,40}'[\w-]{0,40}')?([^\s\";']+)", re.IGNORECASE
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ONE_BYTE: Final = ("windows-", "iso-8859-", "koi8-", "ibm866", "macintosh", "x-mac-")


class _Room:
    """What is taken up of the bounds on one message."""

    def __init__(self) -> None:
        self.parts = 1
        self.headers = 0


class Part(Message):
    """A part as the standard library has it; `path` is the numbers of the parts down to it, from 1."""

    def __init__(self, policy: _AsTheyStand, room: _Room) -> None:
        super().__init__(policy)
        self.path: tuple[int, ...] = ()
        self._room = room

    def attach(self, payload: Part) -> None:  # type: ignore[override]  # the parser makes and attaches Parts only
        self._room.parts += 1
        _check("parts", self._room.parts, PARTS)
        payload.path = (*self.path, len(self.parts) + 1)
        _check("containers around a part", len(payload.path), DEPTH)
        super().attach(payload)

    def set_raw(self, name: str, value: str) -> None:
        _check("characters in a header", len(value), HEADER)
        self._room.headers += len(name) + len(value)
        _check("characters in all headers", self._room.headers, HEADERS)
        super().set_raw(name, value)

    @property
    def content_type(self) -> str:
        """Without parameters, also where a blank stands for the semicolon."""
        return self.get_content_type().split()[0]

    @property
    def parts(self) -> list[Part]:
        inner = self.get_payload()
        return [part for part in inner if isinstance(part, Part)] if isinstance(inner, list) else []

    @property
    def attached(self) -> bool:
        return self.get_content_disposition() == "attachment"


class _AsTheyStand(Compat32):
    """Headers as strings, bytes that are not ASCII as surrogates."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        return value


def parse(raw: bytes) -> Part:
    """The tree of a message's parts, at least one; raises MailTooLarge, and nothing else.

    A message that has parts but not the boundary that it declares, or declares none, is parsed again with the
    one that is there.
    """
    _check("bytes", len(raw), LARGEST)
    _check("line ends", raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n"), LINES)
    before = _BEFORE.match(raw)
    return _parse(raw[before.end() if before else 0 :], _Room())


def _parse(raw: bytes, room: _Room) -> Part:
    def part(policy: _AsTheyStand) -> Part:
        return Part(policy, room)

    parser: BytesParser[Any] = BytesParser(part, policy=_AsTheyStand())  # type: ignore[arg-type]  # typeshed: no policy
    whole: Part = parser.parsebytes(raw)
    if "content-type" not in whole or (whole.get_content_maintype() == "multipart" and not whole.is_multipart()):
        body = str(whole.get_payload()).encode("utf-8", "surrogateescape")
        if found := _BOUNDARY.search(body, 0, _PREAMBLE):
            boundary = found[1].replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            head = b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\n\n'
            whole.set_payload(list[Message | str](_parse(head + body, room).parts))
    return whole


def header(part: Part, name: str) -> str:
    """A header on one line, its encoded words decoded; empty where there is none."""
    value = decode(str(part.get(name, "")).encode("utf-8", "surrogateescape"), "")[0]
    try:
        words = decode_header(value)
    except (HeaderParseError, ValueError):  # base64 that is none
        words = [(value, None)]
    text = "".join(word if isinstance(word, str) else _word(word, charset) for word, charset in words)
    return " ".join(_SURROGATE.sub("\ufffd", text).split())


def _word(data: bytes, charset: str | None) -> str:
    # What stands between encoded words comes out of the library like this.
    return decode(data, charset)[0] if charset else data.decode("raw-unicode-escape", "replace")


def content(part: Part) -> tuple[str, str]:
    """What a part says, with "\\n" for every line's end, and the charset that it turned out to be in."""
    encoding = str(part.get("content-transfer-encoding", "")).split()
    if encoding:
        part.replace_header("content-transfer-encoding", encoding[0].strip(";,").lower())
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return "", "us-ascii"
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        data = _NOT_BASE64.sub(b"", data)
        data = b64decode(data[: len(data) // 4 * 4])
    found = _CHARSET.search(str(part.get("content-type", "")))  # the library's get_param is quadratic
    label = found[1] if found else ""
    if not label and part.content_type.endswith("html") and (meta := _META.search(data[:1024])):
        label = meta[1].decode("ascii")
    text, charset = decode(data, label)
    return text.replace("\r\n", "\n").replace("\r", "\n"), charset


def decode(data: bytes, label: str) -> tuple[str, str]:
    """Text, and the charset that it is in, whatever `label` says.

    Where one byte a character is declared, bytes that are UTF-8 are taken for UTF-8: the other charset would take
    any bytes, and these hardly come about in it. A charset that is unknown, or that the bytes are not in, gives
    way to UTF-8, and an unknown one then to windows-1252. What is no character even so is U+FFFD.

    >>> decode("Zoë".encode(), "iso-8859-1"), decode(b"Zo\\xeb", "utf-8"), decode(b"Zo\\xeb", "DEFAULT_CHARSET")
    (('Zoë', 'utf-8'), ('Zoë', 'windows-1252'), ('Zoë', 'windows-1252'))
    """
    declared = _declared(label, data)
    if data.isascii() and declared != "iso-2022-jp" and not declared.startswith("utf-16"):
        return data.decode("ascii"), "us-ascii"
    last = "windows-1252" if declared in ("", "utf-8") else declared
    for name in ("utf-8", last) if last.startswith(_ONE_BYTE) else (last,) if data.isascii() else (last, "utf-8"):
        try:
            return _codec(name)(data, "strict")[0], name
        except UnicodeError:
            pass
    return _codec(last)(data, "replace")[0], last


def _declared(label: str, data: bytes) -> str:
    """The standard's name for a label; empty where there is none, or where it cannot be true."""
    found = webencodings.lookup(label) if label.isascii() else None
    if found is None or found.name == "replacement" or (found.name.startswith("utf-16") and b"\0" not in data):
        return ""
    return str(found.name)


def _codec(name: str) -> Callable[[bytes, str], tuple[str, int]]:
    return webencodings.lookup(name).codec_info.decode


def _check(what: str, value: int, limit: int) -> None:
    if value > limit:
        raise MailTooLarge.of(what, value, limit)
