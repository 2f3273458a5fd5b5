"""A mail as its reader sees it: which parts, in which order, and what happens to one that is broken or hostile."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import html, mail, mime
from models.errors import MailTooLarge
from models.links import Link
from models.mail import Scored, read
from tests.models.clock import linear


def mixed(*parts: bytes, kind: bytes = b"mixed", boundary: bytes = b"b") -> bytes:
    """A container as it is sent, each part with its own headers."""
    inner = b"".join(b"\n--" + boundary + b"\n" + part for part in parts)
    return (
        b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"\n' + inner + b"\n--" + boundary + b"--\n"
    )


PLAIN: Final = b"Content-Type: text/plain\n\nThe text.\n"
HTML: Final = b"Content-Type: text/html; charset=utf-8\n\n<p>The page, <a href='http://a.example/'>here</a>.</p>\n"


def test_of_alternatives_the_one_that_is_shown_is_read() -> None:
    found = read(b"Subject: Hi\n" + mixed(PLAIN, HTML, kind=b"alternative"))
    assert found.text == "Hi\nThe page, here."
    assert found.parts == (Scored("2", "text/html", "us-ascii"),)
    assert found.links == (Link("http://a.example/", "here"),)


def test_an_alternative_that_says_nothing_gives_way() -> None:
    picture = b"Content-Type: text/html\n\n<a href='http://a.example/'><img src=x></a>\n"
    found = read(b"Subject: Hi\n" + mixed(PLAIN, picture, kind=b"alternative"))
    assert (found.text, found.parts) == ("Hi\nThe text.", (Scored("1", "text/plain", "us-ascii"),))


def test_what_is_shown_one_below_the_other_is_read_so() -> None:
    outer = mixed(b"Content-Type: text/plain\n\nHi\n", mixed(PLAIN, HTML, kind=b"alternative", boundary=b"c"))
    found = read(b"Subject: Hi\n" + outer)
    assert found.text == "Hi\nHi\n\nThe page, here."
    assert [part.path for part in found.parts] == ["1", "2.2"]


def test_attachments_are_not_read_beside_a_text() -> None:
    attached = b"Content-Type: text/plain\nContent-Disposition: attachment\n\nfrom a file\n"
    inner = b"Content-Type: message/rfc822\n\nSubject: other\n\nfrom another\n"
    assert read(b"Subject: Hi\n" + mixed(PLAIN, attached, inner)).text == "Hi\nThe text."


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (b"Content-Type: text/plain\nContent-Disposition: attachment\n\nfound\n", "1"),
        (b"Content-Type: message/rfc822\n\nSubject: other\n\nfound\n", "1.1"),
        (b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nSubject: other\n\nfound\n", "1.1"),
    ],
)
def test_what_must_be_opened_is_read_where_there_is_nothing_else(part: bytes, path: str) -> None:
    found = read(b"Subject: Hi\n" + mixed(part))
    assert (found.text, [scored.path for scored in found.parts]) == ("Hi\nfound", [path])


@pytest.mark.parametrize(
    "raw", [b"", b"\n\n", b"Subject: Hi", b"Subject: Hi\n\n", b"Subject: Hi\n" + mixed(kind=b"mixed")]
)
def test_without_a_body_there_is_the_subject(raw: bytes) -> None:
    assert read(raw).text == ("Hi\n" if b"Hi" in raw else "\n")
    assert read(raw).parts == ()


def test_a_mail_of_pictures_still_has_links() -> None:
    found = read(b"Subject: Hi\nContent-Type: text/html\n\n<a href='http://a.example/'><img src=x></a>")
    assert (found.text, found.links) == ("Hi\n", (Link("http://a.example/", ""),))


def test_html_that_says_it_is_plain_is_read_as_html() -> None:
    assert read(b"Subject: Hi\n\n<html><body>Win <b>now</b></body></html>").text == "Hi\nWin now"


def test_links_of_a_plain_text() -> None:
    found = read(b"Subject: Hi\n\nSee www.a.example/x, or (https://b.example). Or https://b.example!")
    assert found.links == (
        Link("http://www.a.example/x", "www.a.example/x"),
        Link("https://b.example", "https://b.example"),
    )


def test_what_the_library_writes_is_read_back() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße aus 東京 " * 8
    message.set_content("Schöne Grüße,\nZoë €5\n", cte="quoted-printable")
    message.add_alternative("<p>Schöne Grüße,<br>Zoë €5</p>", subtype="html", cte="base64")
    message.add_attachment(b"\x00\x01", maintype="image", subtype="gif")
    found = read(message.as_bytes())
    assert found.text == " ".join(("Grüße aus 東京 " * 8).split()) + "\nSchöne Grüße,\nZoë €5"
    assert found.parts == (Scored("1.2", "text/html", "utf-8"),)


def deep(n: int) -> bytes:
    heads = (b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(n))
    return b"".join(heads) + b"Content-Type: text/plain\n\nHi"


@pytest.mark.parametrize(
    ("raw", "what", "limit"),
    [
        (b"x" * (mime.LARGEST + 1), "bytes", mime.LARGEST),
        (b"\n" * (mime.LINES + 1), "line ends", mime.LINES),
        (b"A: " + b"x" * (mime.HEADER + 1) + b"\n\nHi", "characters in a header", mime.HEADER),
        (b"A: xxxxxxxxx\n" * (mime.HEADERS // 9) + b"\nHi", "characters in all headers", mime.HEADERS),
        (mixed(*[PLAIN] * mime.PARTS), "parts", mime.PARTS),
        (deep(mime.DEPTH + 1), "containers around a part", mime.DEPTH),
        (b"Content-Type: message/rfc822\n\n" * 5000, "containers around a part", mime.DEPTH),
        (b"Content-Type: text/html\n\n" + b"<div>" * 300, "elements in each other", html.DEEPEST),
        (b"Content-Type: text/html\n\n" + b"<br>" * (html.ELEMENTS + 1), "elements", html.ELEMENTS),
        (b"Content-Type: text/html\n\n<style>" + b"x" * (html.STYLES + 1), "characters in styles", html.STYLES),
        (b"Subject: Hi\n\n" + b"x" * (mail.CHARACTERS + 1), "characters in its texts", mail.CHARACTERS),
        (
            b"Subject: Hi\n\n" + b"".join(b"http://a.example/%d\n" % i for i in range(mail.LINKS + 1)),
            "links",
            mail.LINKS,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_limit_is_named_with_what_hit_it(raw: bytes, what: str, limit: int) -> None:
    with pytest.raises(MailTooLarge) as caught:
        read(raw)
    error = caught.value
    assert (error.status, error.code, error.limit, error.field) == (413, "mail_too_large", limit, "email")
    assert error.value is not None
    assert error.value > limit
    assert f"{what} or more, the limit is {limit:,}" in error.message


def test_the_readme_names_every_limit() -> None:
    text = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")
    said = text[text.index("A mail that is broken is read") :].partition("\n\n")[0].replace("\n", " ")
    sizes = [f"{mime.LARGEST >> 20} MiB", f"{mime.HEADERS >> 10} KiB of headers ({mime.HEADER >> 10} KiB in one)"]
    counts = [f"{mime.LINES:,} lines", f"{mime.PARTS} parts", f"{mime.DEPTH} containers", f"{mail.LINKS:,} links"]
    pages = [f"{html.ELEMENTS:,} elements, {html.DEEPEST} within each other", f"{html.STYLES:,} characters of styles"]
    for limit in (*sizes, *counts, *pages, f"{mail.CHARACTERS:,} characters of text"):
        assert limit in said, limit


def test_just_below_the_limits_it_is_read() -> None:
    assert read(mixed(*[PLAIN] * (mime.PARTS - 1))).text.count("The text.") == mime.PARTS - 1
    assert read(deep(mime.DEPTH)).text == "\nHi"


PAGE: Final = b"Content-Type: text/html\n\n"
HOSTILE: Final[dict[str, Callable[[int], bytes]]] = {
    "lines": lambda n: b"Subject: a\n\n" + b"\n" * n,
    "headers": lambda n: b"A: b\n" * (n // 8) + b"\nHi",
    "folded": lambda n: b"Subject: a\n" + b" x\n" * (n // 8) + b"\nHi",
    "encoded words": lambda n: b"Subject: " + b"=?utf-8?q?a?= " * (n // 64) + b"\n\nHi",
    "parameters": lambda n: b"Content-Type: text/plain; " + b"a=b;" * (n // 16) + b"\n\nHi",
    "boundaries": lambda n: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--bx\n" * n,
    "no boundary": lambda n: b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--x\n" * n,
    "From": lambda n: b">From a\n" * n + b"\nHi",
    "base64": lambda n: b"Content-Transfer-Encoding: base64\n\n" + b"QUJDR\n" * n,
    "quoted": lambda n: b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * n,
    "punycode": lambda n: b"Content-Type: text/plain; charset=punycode\n\n" + b"abc-" + b"9" * n,
    "elements": lambda n: PAGE + b"<i></i>" * n,
    "formatting": lambda n: PAGE + b"".join(b"<p><b a=%d></b>" % i for i in range(n // 4)),
    "end tags": lambda n: PAGE + b"<div>" * 200 + b"</x>" * n,
    "comments": lambda n: PAGE + b"<!--" * n,
    "tags": lambda n: PAGE + b"<" * n,
    "attributes": lambda n: PAGE + b"<p " + b"".join(b"a%d=1 " % i for i in range(n // 2)) + b">",
    "entities": lambda n: PAGE + b"&#" * n,
    "styles": lambda n: PAGE + b"".join(b"<p style='font-size:%dpx'>a" % i for i in range(n // 16)),
    "rules": lambda n: PAGE + b"<style>" + b".a{color:red}" * (n // 16) + b"</style>" + b"<p class=a>b" * (n // 16),
    "classes": lambda n: PAGE + b"<style>.a{color:red}</style><p class='" + b"a " * n + b"'>b",
    "anchors": lambda n: PAGE + b"<a href=x>" * n,
    "dots": lambda n: PAGE + b"<a href='http://x.example'>" + b"a." * n + b"</a>",
    "words": lambda n: PAGE + b"<a href='http://x.example'>" + b"a" * n + b"</a>",
    "addresses": lambda n: b"Subject: a\n\n" + b"http://" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_as_much_takes_twice_as_long(name: str) -> None:
    """Four times the input may not take ten times the time; the shortest of three counts."""

    def seconds(n: int) -> float:
        raw, taken = HOSTILE[name](n), []
        for _ in range(3):
            began = time.process_time()
            read(raw).links and None
            taken.append(time.process_time() - began)
        return min(taken)

    linear(seconds, 32_000, 4, 0.05)


HEADERS: Final = st.sampled_from(
    [
        b"Subject: =?utf-8?b?8J+Y?= =?utf-8?b?gA==?= =?x?q?=FF?=\n",
        b"Subject: =?utf-8?b?a?=\n",
        b"Subject: caf\xe9\n",
        b"From nobody Mon\n",
        b">From nobody\n",
        b"no header\n",
        b": \n",
        b" folded\n",
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"Content-Type: multipart/alternative; boundary*0=b; boundary*1*=x'y'z\n",
        b"Content-Type: multipart/mixed\n",
        b"Content-Type: message/rfc822\n",
        b"Content-Type: message/delivery-status\n",
        b"Content-Type: text/html; charset=\x00utf-8\n",
        b"Content-Type: text/plain; charset*=x\x00'y'z\n",
        b"Content-Type: text/html charset=utf-16\n",
        b"Content-Type: /\n",
        b"Content-Type:\n",
        b"Content-Disposition: attachment; filename*=\n",
        b"Content-Transfer-Encoding: base64\n",
        b"Content-Transfer-Encoding: quoted-printable;\n",
        b"Content-Transfer-Encoding: x-uuencode\n",
        b"Content-Transfer-Encoding: \xff\n",
    ]
)
PIECES: Final = st.one_of(
    HEADERS,
    st.binary(max_size=40),
    st.sampled_from(
        [b"\n", b"\r\n", b"--b\n", b"--b--\n", b"--b", b"begin 644 a\n", b"QUJD\n", b"QUJDR=\n", b"=E9=\n"]
    ),
    st.sampled_from([b"=E9=\n", b"\xa4\xa2"]),
    st.sampled_from([b"<p style='", b"font-size:0;", b"color:#fff'>", b"<style>.a{", b"display:none}", b"</style>"]),
    st.sampled_from([b"<a href='http://[x'>", b"www.a.example", b"</a>", b"<!--", b"-->", b"<![CDATA[", b"&#xD800;"]),
    st.sampled_from([b"<table background=x bgcolor=fff>", b"<font color=white size=0>", b"</p></p>", b"<plaintext>"]),
    st.sampled_from(
        [b"<html>", b"<title>", b"<b class=a>", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\x1b$B", b"\xa4\xa2"]
    ),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map(b"".join))
@example(b"Content-Type: text/html\n\n</html></html><p>a")
def test_nothing_but_too_large_is_ever_raised(raw: bytes) -> None:
    try:
        found = read(raw)
    except MailTooLarge:
        return
    found.text.encode()
    for link in found.links:
        assert isinstance(link.mismatched, bool)


def test_base64_that_is_broken_is_read_as_far_as_it_goes() -> None:
    text = "You have won a prize, my friend. Click here to claim it. " * 3
    coded = b64encode(text.encode())[:-3]
    found = read(b"Subject: Hi\nContent-Transfer-Encoding: base64\n\n" + coded[:40] + b"\n!" + coded[40:])
    assert found.text.startswith("Hi\n" + text[:160])
