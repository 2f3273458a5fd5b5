"""Whole messages, written by hand after what comes in: what their readers see, and that none is refused or slow.

mails/*.eml [, DATA_DIR/spamassassin] --read--> Mail | what it raised, milliseconds

With DATA_DIR in the environment (`make test DATA_DIR=…`) the 6,046 raw messages of SpamAssassin are read too; without
it, as in CI, where the data sets are not, that is not among the tests.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from benchmarks.mail import PROMISED_MS, measure, raw_messages
from models.links import Link
from models.mail import read

FOLDER: Final = Path(__file__).parent / "mails"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.eml"))

SEEN: Final[dict[str, tuple[str, str, int]]] = {
    "another_boundary": ("Invoice 7731\nPlease find the invoice enclosed. Pay within 7 days, café!", "1", 0),
    "bounce": (
        "Undelivered Mail Returned to Sender\n"
        "I'm sorry to have to inform you that your message could not be delivered.",
        "1",
        0,
    ),
    "cut_short": ("You won\nYou have won the first prize, congratulations. Claim it now befo", "1", 0),
    "forwarded_twice": ("Fwd: Fwd: look\nThe cat is on the mat again.", "2.1.1", 0),
    "from_a_mailbox": (
        "😀 príze\nOne line ends so,\nanother so\nand the last like this.\n>From here on it is quoted.",
        "1",
        0,
    ),
    "invisible_ink": ("Re: your account\nYour account is suspended.\n\nhttps://www.bank.example/login", "1", 55),
    "lying_charset": ("Grüße aus Köln\nSchöne Grüße, der Käse kostet 5 €.", "1", 0),
    "newsletter": (
        "Spring sale: 20 % off everything\n"
        "Everything for your garden\n\nChairs from € 20 – only until Sunday.\n\nShop now",
        "2",
        46,
    ),
    "no_headers": ("\nHello there.\nNo header at all, and www.shop.example/sale is a link.", "1", 0),
    "nothing_but_headers": ("café =?utf-8?b?broken\n", "", 0),
    "pictures": ("Photos\nThe beach.\nThree of us on the beach", "1.2", 0),
    "uuencoded": ("list\nFirst the eggs, then the milk, and bread if there is any.", "1", 0),
}
"""The text, the part that it comes from, and how much of it nobody can see."""
LINKS: Final = {
    "cut_short": ("http://win.example/now", "Claim it now", False),
    "invisible_ink": ("http://203.0.113.9/x", "https://www.bank.example/login", True),
    "newsletter": ("https://click.garden.example/?u=1&k=2", "Shop now", False),
    "no_headers": ("http://www.shop.example/sale", "www.shop.example/sale", False),
}
"""The one link that it has, where it has one, and whether it shows another host."""


@pytest.mark.parametrize("name", NAMES)
def test_what_its_reader_sees(name: str) -> None:
    found = read((FOLDER / f"{name}.eml").read_bytes())
    text, path, hidden = SEEN[name]
    assert found.text.replace("\N{NO-BREAK SPACE}", " ") == text
    assert [part.path for part in found.parts] == ([path] if path else [])
    assert found.hidden == hidden
    url, shown, mismatched = LINKS.get(name, ("", "", False))
    assert found.links == ((Link(url, shown),) if url else ())
    assert any(link.mismatched for link in found.links) is mismatched


def test_none_is_refused_and_none_takes_50_ms() -> None:
    keeps_its_promise([path.read_bytes() for path in (*FOLDER.glob("*.eml"), FOLDER.parent.parent / "phishing.eml")])


@pytest.mark.data
def test_of_spamassassin_none_is_refused_and_none_takes_50_ms() -> None:
    raws = raw_messages(Path(os.environ["DATA_DIR"]))
    assert len(raws) == 6046
    keeps_its_promise(raws)


def keeps_its_promise(raws: list[bytes]) -> None:
    figures = measure(read, raws, 3)
    assert figures.raised == 0
    assert max(figures.milliseconds) < PROMISED_MS
