"""Which documents train, which choose, and which are scored once at the end: no text on two sides.

documents of all sets --RULES--> train, validation, tests --keys--> what stands in a test leaves the others

Rules for what leaks were fixed before any model was trained: SMS and SpamAssassin by a stable hash of
the text; Enron by pairs, since enron1 and enron4 share spam, and so do enron2 and enron5; YouTube by
video; aclimdb as published, its validation by film, because that is how its test is: with reviews of
the same films on both sides, validation was two points better than the test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from training.documents import Document, key, share

REPEATS: Final = " with repeats"


@dataclass(frozen=True)
class Rule:
    """How a set is split: the parts in `test_parts` are its test, else a share of `test` of its texts is; of
    what is left, a share of `validation` of the texts (of their kin, where they have any) chooses.
    `official` tests keep their repeats; where `both` is set, the test is reported without and with them."""

    test: float = 0.0
    test_parts: frozenset[str] = frozenset()
    validation: float = 0.1
    official: bool = False
    both: bool = False


RULES: Final[dict[str, Rule]] = {
    "sms_spam_collection": Rule(test=0.2, both=True),
    "spamassassin": Rule(test=0.2),
    "enron_spam": Rule(test_parts=frozenset({"enron2", "enron5"})),
    "youtube_spam": Rule(test_parts=frozenset({"LMFAO"})),
    "aclimdb": Rule(test_parts=frozenset({"test"}), official=True),
}
OWN: Final = Rule(test=0.2)
"""Of a file of one's own, whose name has an ending and so is none of the above."""


@dataclass(frozen=True)
class Splits:
    """`tests` has one list per set; no key stands in two of train, validation and tests together."""

    train: list[Document]
    validation: list[Document]
    tests: dict[str, list[Document]] = field(default_factory=dict)


def split(documents: Iterable[Document], held_out: Iterable[str] = ()) -> Splits:
    """Splits the documents of any number of sets.

    With `held_out`, groups such as `enron_spam/enron4`, validation is those groups whole and nothing
    else: an experiment on how a model does on a corpus that it has not seen, without a look at a test.
    """
    groups = frozenset(held_out)
    sides: dict[str, list[Document]] = {"train": [], "validation": [], "test": []}
    for document in documents:
        if key(document.text):
            sides[side(document, groups)].append(document)
    tests: dict[str, list[Document]] = {}
    for document in sides["test"]:
        tests.setdefault(document.set, []).append(document)
    for name in list(tests):
        rule = RULES.get(name, OWN)
        if rule.both:
            tests[name + REPEATS] = tests[name]
        if not rule.official:
            tests[name] = _unseen(tests[name], set())
    taken = {key(document.text) for document in sides["test"]}
    validation = _unseen(sides["validation"], taken)
    train = _unseen(sides["train"], taken | {key(document.text) for document in validation})
    return Splits(train, validation, tests)


def side(document: Document, held_out: Collection[str]) -> str:
    """Where the rules alone put a document, whatever copies it has."""
    rule = RULES.get(document.set, OWN)
    part = document.group.partition("/")[2]
    place = share(key(document.text))
    if part in rule.test_parts or place < rule.test:
        return "test"
    if held_out:
        return "validation" if document.group in held_out else "train"
    if document.kin:
        place = share(document.kin)
    return "validation" if place < rule.test + rule.validation else "train"


def _unseen(documents: list[Document], taken: set[str]) -> list[Document]:
    """The first of each text, less those whose key is taken."""
    seen = set(taken)
    first: list[Document] = []
    for document in documents:
        k = key(document.text)
        if k not in seen:
            seen.add(k)
            first.append(document)
    return first
