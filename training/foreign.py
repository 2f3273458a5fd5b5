"""The test documents that are not English, by the rule that warns callers, and what a model makes of them.

documents --Predictor.advance--> Scores, and the rows that are warned about --apart--> figures of these alone
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from models.predictor import Advance, Predictor
from models.verdict import NOT_ENGLISH, Verdict
from training.documents import Document
from training.metrics import summary
from training.score import Scores, advances, scores
from training.splits import REPEATS

APART: Final = ", not English"
"""What stands behind the name of a test in the row of these documents."""


def score(predictor: Predictor, documents: Sequence[Document], name: str) -> tuple[Scores, list[int]]:
    """What the running probability of every document was, and the rows that are not English."""
    rows: list[int] = []
    found = scores(documents, _noted(advances(predictor, documents, name), rows))
    return found, sorted(rows)


def apart(name: str, of: Scores, rows: Sequence[int]) -> dict[str, Any]:
    """The figures of these rows of a test alone, as plain values; empty where there are none, or only once more."""
    if not rows or name.endswith(REPEATS):
        return {}
    found = of.of(rows)
    last = found.last
    counts = {"documents": len(rows), "positives": int((found.labels == last.shape[1] - 1).sum())}
    return counts | summary(found.labels, last)


def warnings(advance: Advance) -> list[str]:
    """What a caller is warned of at the end of a text."""
    verdict = Verdict(None)
    for index, step in enumerate(advance.steps):
        verdict = verdict.after(index, step)
    return verdict.warnings


def _noted(known: Iterable[tuple[int, Advance]], rows: list[int]) -> Iterator[tuple[int, Advance]]:
    for i, advance in known:
        if NOT_ENGLISH in warnings(advance):
            rows.append(i)
        yield i, advance
