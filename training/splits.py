"""Which documents train, which choose, and which are scored once at the end: no text on two sides.

documents of all sets --RULES--> train, validation, tests --keys--> what stands in a test leaves the others
documents of all sets --some groups left out--> train, validation, those groups whole

Rules for what leaks were fixed before any model was trained: SMS, SpamAssassin and everyday by a stable hash of
the text; Enron by pairs, since enron1 and enron4 share spam, and so do enron2 and enron5; YouTube by
video; aclimdb as published, its validation by film, because that is how its test is: with reviews of
the same films on both sides, validation was two points better than the test. SST as published; rt_polarity
holds its sentences in another layout, so the two never come together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from training.documents import Document, key, share
from training.errors import DataError

REPEATS: Final = " with repeats"
APART: Final = frozenset({"sst2", "rt_polarity"})
"""They hold the same sentences, not always letter for letter: what trains on one tells nothing on the other."""


@dataclass(frozen=True)
class Rule:
    """How a set is split: the parts in `test_parts` are its test, else a share of `test` of its texts is; of
    what is left, the parts in `validation_parts`, and a share of `validation` of the texts (of their kin, where
    they have any), choose. `official` tests keep their repeats; where `both` is set, the test is reported without
    and with them."""

    test: float = 0.0
    test_parts: frozenset[str] = frozenset()
    validation: float = 0.1
    validation_parts: frozenset[str] = frozenset()
    official: bool = False
    both: bool = False


RULES: Final[dict[str, Rule]] = {
    "sms_spam_collection": Rule(test=0.2, both=True),
    "spamassassin": Rule(test=0.2),
    "enron_spam": Rule(test_parts=frozenset({"enron2", "enron5"})),
    "youtube_spam": Rule(test_parts=frozenset({"LMFAO"})),
    "everyday": Rule(test=0.2),
    "aclimdb": Rule(test_parts=frozenset({"test"}), official=True),
    "sst2": Rule(
        test_parts=frozenset({"sentences_test"}),
        validation=0.0,
        validation_parts=frozenset({"sentences_dev"}),
        official=True,
    ),
    "rt_polarity": Rule(test=0.1),
    "amazon_reviews": Rule(test=0.2),
}
OWN: Final = Rule(test=0.2)
"""Of a file of one's own, whose name has an ending and so is none of the above."""


@dataclass(frozen=True)
class Splits:
    """`tests` has one list per set; no key stands in two of train, validation, tests and unlabelled together."""

    train: list[Document]
    validation: list[Document]
    tests: dict[str, list[Document]] = field(default_factory=dict)
    unlabelled: list[Document] = field(default_factory=list)


def split(documents: Iterable[Document], held_out: Iterable[str] = (), fold: int = 0, folds: int = 0) -> Splits:
    """Splits the documents of any number of sets; raises DataError where two of them must stay apart.

    With `held_out`, groups such as `enron_spam/enron4`, validation is those groups whole and nothing
    else: an experiment on how a model does on a corpus that it has not seen, without a look at a test.
    Another `fold` takes another share of the texts as the test of the sets whose rule has a share: the
    folds 0 to 9 of rt_polarity, a tenth each, or 0 to 4 of SMS, are a cross-validation. With `folds` the share
    is one in so many, whatever the rule's.
    """
    groups = frozenset(held_out)
    sides: dict[str, list[Document]] = {"train": [], "validation": [], "test": []}
    sets = set()
    for document in documents:
        sets.add(document.set)
        if key(document.text):
            sides[side(document, groups, fold, folds)].append(document)
    _apart(sets)
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


def leave_out(documents: Sequence[Document], name: str, groups: Collection[str]) -> Splits:
    """The test is all of `groups`, each text once, under `name`; everything else trains or chooses.

    What else would be a test is learnt from too, so only the usual validation share chooses.
    """
    _apart({document.set for document in documents})
    left = _unseen((document for document in documents if document.group in groups), {""})
    taken = {key(document.text) for document in left} | {""}
    rest = [document for document in documents if document.group not in groups]
    validation = _unseen(filter(_chooses, rest), taken)
    taken |= {key(document.text) for document in validation}
    return Splits(_unseen((document for document in rest if not _chooses(document)), taken), validation, {name: left})


def cut(name: str) -> bool:
    """Whether a set has folds: its test is a share of its texts."""
    return RULES.get(name, OWN).test > 0


def unlabelled(documents: Iterable[Document], of: Splits) -> list[Document]:
    """The first of each text, less those that stand in `of` already, on whatever side."""
    sides = (of.train, of.validation, *of.tests.values())
    return _unseen(documents, {key(document.text) for side in sides for document in side} | {""})


def side(document: Document, held_out: Collection[str] = (), fold: int = 0, folds: int = 0) -> str:
    """Where the rules alone put a document, whatever copies it has."""
    rule = RULES.get(document.set, OWN)
    test = 1 / folds if folds and rule.test else rule.test
    if _part(document) in rule.test_parts or _place(document, fold * test) < test:
        return "test"
    if held_out:
        return "validation" if document.group in held_out else "train"
    return "validation" if _chooses(document, fold * test, test) else "train"


def _chooses(document: Document, start: float = 0.0, test: float | None = None) -> bool:
    """Whether a document that is in no test is in validation: the share of its set after that of the test."""
    rule = RULES.get(document.set, OWN)
    test = rule.test if test is None else test
    place = share(document.kin) if document.kin else _place(document, start)
    return _part(document) in rule.validation_parts or test <= place < test + rule.validation


def _place(document: Document, start: float) -> float:
    return (share(key(document.text)) - start) % 1


def _part(document: Document) -> str:
    return document.group.partition("/")[2]


def _apart(sets: Collection[str]) -> None:
    if set(sets) >= APART:
        raise DataError(f"{' and '.join(sorted(APART))} hold the same sentences: leave one out of `sets`")


def _unseen(documents: Iterable[Document], taken: set[str]) -> list[Document]:
    """The first of each text, less those whose key is taken."""
    seen = set(taken)
    first: list[Document] = []
    for document in documents:
        k = key(document.text)
        if k not in seen:
            seen.add(k)
            first.append(document)
    return first
