"""Headers, transfer encodings and charsets as they really come."""

from __future__ import annotations

import pytest

from models.mime import content, decode, header, parse


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Lunch?", "Lunch?"),
        (b"  two\n lines ", "two lines"),
        (b"=?iso-8859-1?q?caf=E9?=", "café"),
        (b"=?utf-8?b?Y2Fmw6k=?= =?utf-8?q?_au_lait?=", "café au lait"),
        (b"Re: =?utf-8?q?caf=C3=A9?= today", "Re: café today"),
        ("café".encode(), "café"),
        (b"caf\xe9", "café"),
        (b"caf\xe9 =?utf-8?q?=C3=A9?=", "café é"),
        ("東京 =?utf-8?q?=C3=A9?=".encode(), "東京 é"),
        (b"=?no-such-charset?q?caf=E9?=", "café"),
        (b"=?iso-8859-1?q?caf=C3=A9?=", "café"),
        (b"=?utf-8?b?a?=", "=?utf-8?b?a?="),
        (b"=?utf-8?q?=ED=A0=80?= \\ud800", "\ufffd"),
    ],
)
def test_subjects(value: bytes, text: str) -> None:
    found = header(parse(b"Subject: " + value + b"\n\nHi"), "subject")
    assert found == text or (text == "\ufffd" and found.encode())


@pytest.mark.parametrize("before", [b"From a Mon Nov 24\n", b">From a Mon Nov 24\n", b"\n \r\n", b"\xef\xbb\xbf"])
def test_what_stands_before_the_headers_is_left_out(before: bytes) -> None:
    message = parse(before + b"Subject: Hi\n\nFrom here on\n")
    assert (header(message, "subject"), content(message)[0]) == ("Hi", "From here on\n")


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        (b"7bit", b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"quoted-printable", b"caf=C3=A9 =\nau lait=zz", "café au lait=zz"),
        (b"Quoted-Printable; x", b"caf=C3=A9", "café"),
        (b"base64", b"Y2Fm w6k=", "café"),
        (b" BASE64 ", b"Y2Fmw6k", "café"),
        (b"base64", b"Y2FmZ", "caf"),
        (b"x-uuencode", b"begin 644 a\n#86)C\n`\nend\n", "abc"),
        (b"unheard-of", b"caf\xe9", "café"),
        (b"\xff", b"caf\xe9", "café"),
    ],
)
def test_transfer_encodings(encoding: bytes, body: bytes, text: str) -> None:
    assert content(parse(b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body))[0] == text


@pytest.mark.parametrize(
    ("data", "label", "text", "charset"),
    [
        (b"plain", "utf-8", "plain", "us-ascii"),
        (b"plain", "no-such-charset", "plain", "us-ascii"),
        ("naïve €".encode(), "iso-8859-1", "naïve €", "utf-8"),
        ("naïve €".encode("cp1252"), "us-ascii", "naïve €", "windows-1252"),
        ("naïve €".encode("cp1252"), "utf-8", "naïve €", "windows-1252"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет", "koi8-r"),
        ("東京".encode("gbk"), "GB2312", "東京", "gbk"),
        ("東京".encode(), "gb2312_charset", "東京", "utf-8"),
        ("東京".encode("iso2022_jp"), "iso-2022-jp", "東京", "iso-2022-jp"),
        ("東京".encode("iso2022_jp") + b"\x1b$B!", "iso-2022-jp", "東京", "iso-2022-jp"),
        ("Привет мир".encode("utf-16-le"), "utf-16", "Привет мир", "utf-16le"),
        (b"plain, not wide", "utf-16", "plain, not wide", "us-ascii"),
        (b"\x81\xe9", "windows-1252", "\ufffdé", "windows-1252"),
        (b"caf\xe9", "punycode", "café", "windows-1252"),
        (b"caf\xe9", "unicode_escape", "café", "windows-1252"),
        (b"caf\xe9", "caf\xe9", "café", "windows-1252"),
        (b"caf\xe9", "\udcff", "café", "windows-1252"),
    ],
)
def test_charsets(data: bytes, label: str, text: str, charset: str) -> None:
    found = decode(data, label)
    assert found == (text, charset) or (label == "iso-2022-jp" and found[0].startswith(text))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (b'text/plain; charset="koi8-r"', "Привет"),
        (b"text/plain charset=koi8-r", "Привет"),
        (b"text/plain; name=x; CHARSET = koi8-r", "Привет"),
        (b"text/plain; charset*=us-ascii'en'koi8-r", "Привет"),
        (b"text/html", "Привет"),
    ],
)
def test_where_a_charset_is_declared(kind: bytes, text: str) -> None:
    meta = b"<meta http-equiv=x content='text/html; charset=koi8-r'>" if b"html" in kind else b""
    message = parse(b"Content-Type: " + kind + b"\n\n" + meta + text.encode("koi8-r"))
    assert content(message)[0] == meta.decode() + text


@pytest.mark.parametrize(
    "declared", [b"", b'Content-Type: multipart/mixed; boundary="other"\n', b"Content-Type: multipart/mixed\n"]
)
def test_a_boundary_that_is_not_the_declared_one_is_found(declared: bytes) -> None:
    body = b'For old programs.\n--=_x\\"y\nContent-Type: text/html\n\n<p>Hi\n--=_x\\"y--\n'
    message = parse(b"Subject: Hi\n" + declared + b"\n" + body)
    (part,) = message.parts
    assert (part.content_type, part.path, content(part)[0]) == ("text/html", (1,), "<p>Hi")


def test_a_container_without_any_boundary_is_left_as_it_is() -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=b\n\nHi\n")
    assert (message.parts, content(message)[0]) == ([], "Hi\n")
