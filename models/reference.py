"""What a model met on its validation data, beside which what it meets in service can be seen to drift.

    Advance of each document --training: measured--> report.json --service: shares--> cumulative, [bounds + 1]

The population stability index compares shares of the same bins, so both sides take the bounds from here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from models.predictor import Advance

COUNTS: Final = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89)
BOUNDS: Final[dict[str, tuple[float, ...]]] = {
    "probability": tuple(i / 20 for i in range(1, 21)),
    "sentence_words": COUNTS,
    "document_sentences": COUNTS,
}
"""Upper bounds of each feature's bins, each within its bin; one more bin is for what lies above the last."""


def binned(bounds: tuple[float, ...], values: Iterable[float]) -> list[int]:
    """How many of `values` lie in each bin.

    >>> binned((0, 1, 2), [0, 1, 1, 1.5, 7])
    [1, 2, 1, 1]
    """
    counts = [0] * (len(bounds) + 1)
    for value in values:
        counts[bisect_left(bounds, value)] += 1
    return counts


def measured(advances: Iterable[Advance]) -> dict[str, Any]:
    """For a report: of each feature the bounds and the counts, and how many of all words are unknown."""
    values: dict[str, list[float]] = {feature: [] for feature in BOUNDS}
    words = unknown = 0
    for advance in advances:
        values["probability"].append((advance.steps or [advance.prior])[-1].probabilities[-1])
        values["document_sentences"].append(len(advance.steps))
        values["sentence_words"] += [step.words for step in advance.steps]
        words += sum(step.words for step in advance.steps)
        unknown += sum(step.unknown for step in advance.steps)
    features = {
        feature: {"bounds": list(bounds), "counts": binned(bounds, values[feature])}
        for feature, bounds in BOUNDS.items()
    }
    return {"features": features, "words": words, "unknown_words": unknown}


def shares(report: Mapping[str, Any]) -> dict[str, list[float]]:
    """Of each feature the share at or below each bound, the last one 1; nothing where the report has no reference, or
    one with other bounds.

    >>> bins = {"bounds": list(COUNTS), "counts": [0, 1, 3] + [0] * 9}
    >>> shares({"reference": {"features": {"sentence_words": bins}}})["sentence_words"][:4]
    [0.0, 0.25, 1.0, 1.0]
    """
    features = report.get("reference", {}).get("features", {})
    return {
        feature: [count / total for count in accumulate(bins["counts"])]
        for feature, bins in features.items()
        if tuple(bins["bounds"]) == BOUNDS.get(feature) and (total := sum(bins["counts"]))
    }


def unknown_ratio(report: Mapping[str, Any]) -> float | None:
    """The share of unknown words; None where the report has no reference."""
    reference = report.get("reference", {})
    return reference["unknown_words"] / reference["words"] if reference.get("words") else None
