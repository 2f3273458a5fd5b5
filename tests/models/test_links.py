"""Which links show another host than the one that they lead to."""

from __future__ import annotations

import pytest

from models.links import Link, addresses, host


@pytest.mark.parametrize(
    ("url", "text", "mismatched"),
    [
        ("http://evil.example/", "https://www.paypal.com/login", True),
        ("http://evil.example/", "Log in: www.paypal.com", True),
        ("http://evil.example/", "paypal.com", True),
        ("http://paypal.com.evil.example/", "paypal.com", True),
        ("http://paypal.com@evil.example/", "paypal.com", True),
        ("http:\\\\evil.example\\paypal.com", "paypal.com", True),
        ("http://203.0.113.9/", "PayPal.com/signin", True),
        ("https://WWW.PayPal.com./x", "paypal.com", False),
        ("https://click.shop.example/x", "shop.example", False),
        ("https://shop.example/x", "www.news.shop.example", False),
        ("http://evil.example/", "Click here", False),
        ("http://evil.example/", "report.pdf", False),
        ("http://evil.example/", "anna@paypal.com", False),
        ("http://evil.example/", "", False),
        ("mailto:anna@paypal.com", "paypal.com", False),
        ("http://[broken", "paypal.com", False),
    ],
)
def test_mismatched(url: str, text: str, mismatched: bool) -> None:
    assert Link(url, text).mismatched is mismatched


def test_a_host_that_cannot_be_read_is_none() -> None:
    assert (host("http://[::1"), host("x"), host("//a.example:99999/")) == ("", "", "a.example")


def test_addresses_end_where_the_sentence_goes_on() -> None:
    text = "See <http://a.example/x>, (www.b.example/y_) or https://c.example/?a=b&c. awww.d.example"
    assert [link.url for link in addresses(text)] == [
        "http://a.example/x",
        "http://www.b.example/y",
        "https://c.example/?a=b&c",
    ]
