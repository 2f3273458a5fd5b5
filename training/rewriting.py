"""Documents as they are and as rules rewrite them: what a model calls the one and the other, at one threshold.

documents x rules --Predictor.advance--> called spam or not, twice --> per rule and label: documents, before, after
tests --measured--> {threshold, disguises: …, tells: …}, for a report
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from models.artefact import Artefact
from models.predictor import Predictor
from training import disguises, tells
from training.datasets import SPAM
from training.documents import Document, Rule, share
from training.score import readable, score
from training.splits import REPEATS

Counts = dict[str, dict[str, dict[str, int]]]
"""Per rule and label: the `documents` it was for; how many of them are called spam `before` and `after`; and of how
many the verdict turned `to_spam` and `to_ham`."""
THRESHOLD: Final = 0.5
DECISIVE: Final = 0.05
"""The share of verdicts from which on a tell is said to decide."""
MOST: Final = 1000
"""Documents of a label that a rule rewrites; of more, those with the smallest `documents.share`."""


def measured(predictor: Predictor, tests: Mapping[str, Sequence[Document]]) -> dict[str, Any]:
    """What becomes of disguised documents, and of such as have a tell more or less, as plain values."""
    documents = [document for name, found in tests.items() if not name.endswith(REPEATS) for document in found]
    rules = {"disguises": disguises.rules(), "tells": tells.rules()}
    return {"threshold": THRESHOLD} | {kind: counts(predictor, documents, of) for kind, of in rules.items()}


def rows(of: Counts) -> Iterator[tuple[str, str, dict[str, int]]]:
    """Rule, label and counts, line by line."""
    yield from ((rule, label, count) for rule, sides in of.items() for label, count in sides.items())


def decisive(of: Counts) -> list[str]:
    """The rules that turned more than one verdict in twenty of a label, and what share."""
    turned = ((rule, label, (c["to_spam"] + c["to_ham"]) / c["documents"]) for rule, label, c in rows(of))
    return [f"{rule} ({part:.1%} of the {label})" for rule, label, part in turned if part > DECISIVE]


def counts(predictor: Predictor, documents: Sequence[Document], rules: Mapping[str, Rule]) -> Counts:
    order = sorted(documents, key=lambda document: share(document.text))
    rewritten = {name: _rewritten(predictor.artefact, order, rule) for name, rule in rules.items()}
    whole = list(dict.fromkeys(document for pairs in rewritten.values() for document, _ in pairs))
    plain = dict(zip(whole, _called(predictor, whole, "as it is"), strict=True))
    found: Counts = {}
    for name, pairs in rewritten.items():
        labels = np.array([document.label for document, _ in pairs])
        before = np.array([plain[document] for document, _ in pairs])
        after = _called(predictor, [document for _, document in pairs], name)
        of = {label: labels == number for number, label in enumerate(SPAM)}
        found[name] = {label: _count(before[rows], after[rows]) for label, rows in of.items() if any(rows)}
    return found


def _rewritten(artefact: Artefact, documents: Sequence[Document], rule: Rule) -> list[tuple[Document, Document]]:
    """Documents before and after, where the model has room for both."""
    left = dict.fromkeys(range(len(SPAM)), MOST)
    pairs = []
    for document in documents:
        if left[document.label] and (text := rule(document)) is not None:
            left[document.label] -= 1
            pairs.append((document, document._replace(text=text)))
    room = set(readable(artefact, [after for _, after in pairs]))
    return [pair for pair in pairs if pair[1] in room]


def _called(predictor: Predictor, documents: Sequence[Document], name: str) -> Any:
    """Whether each document is called spam, `[N]`."""
    if not documents:
        return np.zeros(0, dtype=bool)
    return score(predictor, documents, name).last[:, 1] >= THRESHOLD


def _count(before: Any, after: Any) -> dict[str, int]:
    turned = {"to_spam": after & ~before, "to_ham": before & ~after}
    return {
        "documents": len(before),
        "before": int(before.sum()),
        "after": int(after.sum()),
        **{name: int(rows.sum()) for name, rows in turned.items()},
    }
