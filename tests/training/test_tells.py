"""What tells a corpus, put on documents and taken off."""

from __future__ import annotations

import pytest

from training.documents import Document
from training.tells import rules, spaced

LIST = """Re: [ILUG] Which mouse?
The one with three buttons.
--
Irish Linux Users' Group: ilug@linux.ie
http://www.linux.ie/mailman/listinfo/ilug for (un)subscription information."""
SPAM = "You have won\n\nClaim your prize.\n\nIt is yours."
MEMO = "gas for may 12 , 2001\nvince , the enron desk in houston closes at 3 : 15 pm .\nhou / ect"


def mail(text: str, label: int, name: str = "spamassassin") -> Document:
    return Document("1", text, label, f"{name}/part")


@pytest.mark.parametrize(
    ("rule", "document", "wanted"),
    [
        ("a list's name and footer taken off", mail(LIST, 0), "Re: Which mouse?\nThe one with three buttons."),
        (
            "Enron's people taken off",
            mail(MEMO, 0, "enron_spam"),
            "gas for may 12 , 2001\n , the  desk in  closes at 3 : 15 pm .\n / ",
        ),
        (
            "dates taken off",
            mail(MEMO, 0, "enron_spam"),
            "gas for may 12 , \nvince , the enron desk in houston closes at  .\nhou / ect",
        ),
        (
            "capitals and no blanks before marks",
            mail(MEMO, 0, "enron_spam"),
            "Gas for may 12, 2001\nVince, the enron desk in houston closes at 3:15 pm.\nHou/ect",
        ),
        (
            "lower case and blanks around marks",
            mail(SPAM, 1),
            "you have won\n\nclaim your prize .\n\nit is yours .",
        ),
    ],
)
def test_what_is_taken_off_or_laid_out_otherwise(rule: str, document: Document, wanted: str) -> None:
    assert rules()[rule](document) == wanted


@pytest.mark.parametrize(
    ("rule", "label", "first", "last"),
    [
        ("a list's name and footer put on", 1, "[ILUG] You have won", "listmaster@linux.ie"),
        ("Enron's people put on", 1, "You have won", "Enron North America Corp."),
        ("a date put on", 0, "You have won", "It is yours."),
        ("lines of a reply's header put on", 1, "You have won", "It is yours."),
        ("lines of a mail's header put on", 0, "You have won", "It is yours."),
        ("a footer to unsubscribe put on", 0, "You have won", 'with "remove" in the subject.'),
        ("tags of HTML put on", 0, "You have won", "&nbsp;<br></font></body></html>"),
    ],
)
def test_what_is_put_on_stands_around_the_whole_mail(rule: str, label: int, first: str, last: str) -> None:
    text = rules()[rule](mail(SPAM, label))
    assert text is not None
    assert text.startswith(first + "\n")
    assert text.rstrip().endswith(last)
    assert all(line in text for line in SPAM.split("\n"))
    assert len(text) > len(SPAM) + 30


def test_a_tell_comes_in_the_layout_of_the_mail() -> None:
    text = rules()["a list's name and footer put on"](mail(spaced(SPAM), 1, "enron_spam"))
    assert text == spaced(text or "")
    assert "[ ilug ] you have won" in (text or "")


def test_a_rule_leaves_alone_what_it_is_not_for() -> None:
    """The other label, messages that are no mail, and what has nothing to take off."""
    assert [rule(mail(SPAM, 1, "sms_spam_collection")) for rule in rules().values()] == [None] * len(rules())
    assert rules()["a list's name and footer put on"](mail(SPAM, 0)) is None
    assert rules()["a footer to unsubscribe put on"](mail(SPAM, 1)) is None
    assert rules()["a list's name and footer taken off"](mail(SPAM, 0)) is None
    assert rules()["dates taken off"](mail(SPAM, 1)) is None
