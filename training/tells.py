"""What tells where a text is from, and so, in the training sets, what it is: put on documents, or taken off.

mail of a test --rule--> the same with a tell of the other label, or without one of its own     (training/rewriting.py)

What a model learnt may know a corpus by these; a person would not change an answer for them, so no verdict should turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from training.documents import Document, Rule

HAM, SPAM = 0, 1
_SPAMASSASSIN, _ENRON = "spamassassin", "enron_spam"

_LIST: Final = "[ILUG] "
_LIST_END: Final = """\
--
Irish Linux Users' Group: ilug@linux.ie
http://www.linux.ie/mailman/listinfo/ilug for (un)subscription information.
List maintainer: listmaster@linux.ie"""
_FORWARDED: Final = """\
-------------- Forwarded by Daren J Farmer/HOU/ECT on 12/14/99 02:35 PM --------------
From: Tim Belden 12/14/99 02:34 PM
To: Vince J Kaminski/HOU/ECT@ECT, Sally Beck/HOU/ECT@ECT"""
_SIGNED: Final = "Vince Kaminski\nEnron North America Corp."
_DATE: Final = "Date: Mon, 12 Aug 2002 11:34:07 +0100"
_REPLY: Final = "-----Original Message-----\nFrom: John Smith\nSent: Monday 11:34 AM\nTo: Mary Jones"
_TYPE: Final = "Content-Type: text/plain; charset=iso-8859-1\nX-Priority: 3\nX-Mailer: Outlook Express"
_LEAVE: Final = """\
You receive this message because you are on our mailing list.
To unsubscribe, click here or reply with "remove" in the subject."""
_PAGE: Final = '<html><body bgcolor=#ffffff><font face="Arial" size="2">'
_PAGE_END: Final = "&nbsp;<br></font></body></html>"

_LIST_NAME: Final = re.compile(r"\[[\w -]+\] ?")
_LIST_FOOTER: Final = re.compile(
    r"\n(?:_{20,}\n|-- ?\n(?=[^\n]*(?:mailing list|Group))|-+ Yahoo! Groups Sponsor|https?://\S+/listinfo/).*\Z", re.S
)
_PEOPLE: Final = re.compile(
    r"(?i)\b(?:enron\w*|hou|ect|ees|hpl|ena|ctr|corp|vince|kaminski|vkamins|shirley|crenshaw|stinson|gibner|vasant|"
    r"shanbhogue|sally|beck|daren|farmer|tim|belden|louise|kitchen|houston)\b"
)
_DATES: Final = re.compile(
    r"(?i)\b(?:\d{1,2} ?[/.-] ?\d{1,2} ?[/.-] ?\d{2,4}|(?:19|20)\d\d|\d{1,2} ?: ?\d\d(?: ?: ?\d\d)?(?: ?[ap]m)?|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:january|february|april|june|july|august|september|october|november|"
    r"december)(?: \d{1,2}\b)?)"
)
_MARK: Final = re.compile(r"([^\w\s])")
_BLANKS: Final = re.compile(r"[^\S\n]+")


def spaced(text: str) -> str:
    """As Enron's publisher has it.

    >>> spaced("Hi Bob, it's 3:15 (or so).")
    "hi bob , it ' s 3 : 15 ( or so ) ."
    """
    return "\n".join(_BLANKS.sub(" ", line).strip() for line in _MARK.sub(r" \1 ", text.lower()).split("\n"))


def usual(text: str) -> str:
    """As people write, out of what `spaced` makes of it, as far as that can be told.

    >>> usual("hi bob , it ' s 3 : 15 ( or so ) . i know")
    "Hi bob, it's 3:15 (or so). I know"
    """
    text = text.replace(" : / / ", "://").replace("www . ", "www.")
    text = re.sub(r" \. (?=(?:com|net|org|biz|info|html?)\b)", ".", text)
    text = re.sub(r"(?<=\d) ([:.]|,(?= \d{3}\b)) (?=\d)| (['/@_-]) ", lambda mark: mark[1] or mark[2], text)
    text = re.sub(r" ([.,;:!?)\]%])", r"\1", text)
    text = re.sub(r"([(\[$#]) ", r"\1", text)
    return re.sub(r"(?:\A|(?<=\n)|(?<=[.!?] ))[a-z]|\bi\b", lambda m: m[0].upper(), text)


def rules() -> dict[str, Rule]:
    return {
        "a list's name and footer put on": _on([SPAM], lambda text: _around(text, "", _LIST_END, _LIST)),
        "a list's name and footer taken off": _on([HAM], _without_list, [_SPAMASSASSIN]),
        "Enron's people put on": _on([SPAM], lambda text: _around(text, _FORWARDED, _SIGNED)),
        "Enron's people taken off": _on([HAM], partial(_PEOPLE.sub, ""), [_ENRON]),
        "a date put on": _on([HAM, SPAM], lambda text: _around(text, _DATE)),
        "dates taken off": _on([HAM, SPAM], partial(_DATES.sub, "")),
        "lines of a reply's header put on": _on([SPAM], lambda text: _around(text, _REPLY)),
        "lines of a mail's header put on": _on([HAM], lambda text: _around(text, _TYPE)),
        "lower case and blanks around marks": _on([HAM, SPAM], spaced, [_SPAMASSASSIN]),
        "capitals and no blanks before marks": _on([HAM, SPAM], usual, [_ENRON]),
        "a footer to unsubscribe put on": _on([HAM], lambda text: _around(text, "", _LEAVE)),
        "tags of HTML put on": _on([HAM], lambda text: _around(text, _PAGE, _PAGE_END).replace("\n\n", "<br>\n<br>\n")),
    }


def _on(labels: Collection[int], change: Callable[[str], str], sets: Collection[str] = (_SPAMASSASSIN, _ENRON)) -> Rule:
    """A rule for documents with these labels and of these sets that it changes."""

    def rule(document: Document) -> str | None:
        if document.label not in labels or document.set not in sets:
            return None
        text = change(document.text)
        return None if text == document.text else text

    return rule


def _around(text: str, before: str, after: str = "", subject: str = "") -> str:
    """The mail with something before its subject, before its body and after it, in its own layout."""
    if text.islower():
        before, after, subject = spaced(before), spaced(after), subject and spaced(subject) + " "
    first, _, body = text.partition("\n")
    return "\n".join(filter(None, (f"{subject}{first}", before, body, after)))


def _without_list(text: str) -> str:
    first, newline, body = text.partition("\n")
    return _LIST_NAME.sub("", first, count=1) + newline + _LIST_FOOTER.sub("", body)
