"""What the scores of a labelled set are worth.

Scores, thresholds --figures--> {documents, accuracy, roc_auc, …, calibration_error: {prefix: …}, earliness: {…}}
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from scipy.stats import binomtest  # type: ignore[import-untyped]
from sklearn.metrics import log_loss, roc_auc_score

from training.earliness import PREFIXES, accuracy, earliness
from training.score import Floats, Labels, Scores

BINS: Final = 15
ENOUGH: Final = 5_000
"""Documents from which on a calibration error is told without an interval."""
DRAWS: Final = 2_000
_TIMES: Final = np.linspace(0, 4, 41)
"""How many times the gaps that were found the true ones may be; where bins are that uneven, four are never reached."""


def figures(scores: Scores, thresholds: dict[str, float] | None = None) -> dict[str, Any]:
    """All figures of a test or validation set, as plain values; the last class is the positive one."""
    labels, last = scores.labels, scores.last
    result: dict[str, Any] = {"documents": len(labels), "positives": int((labels == last.shape[1] - 1).sum())}
    result |= summary(labels, last)
    result["thresholds"] = {
        rate: {"threshold": threshold} | rates(labels, last[:, -1], threshold) | interval(labels, last, threshold)
        for rate, threshold in (thresholds or {}).items()
    }
    return result | {"calibration_error": calibration_errors(scores), "earliness": earliness(scores)}


def summary(labels: Labels, probabilities: Floats) -> dict[str, float | None]:
    """Accuracy, ROC AUC, log loss, and the error rates at probability 1/2, of `probabilities [N, K]`."""
    classes = probabilities.shape[1]
    result: dict[str, float | None] = {"accuracy": accuracy(labels, probabilities), "roc_auc": None}
    if classes == 2 and 0 < labels.sum() < len(labels):
        result["roc_auc"] = float(roc_auc_score(labels, probabilities[:, 1]))
    result["log_loss"] = float(log_loss(labels, probabilities, labels=list(range(classes))))
    return result | rates(labels, probabilities[:, -1], 0.5) if classes == 2 else result


def rates(labels: Labels, positive: Floats, threshold: float) -> dict[str, float | None]:
    """What share of the negatives, and of the positives, is called positive at `threshold`."""
    called = positive >= threshold
    shares = {"false_positive_rate": called[labels == 0], "recall": called[labels == 1]}
    return {name: float(chosen.mean()) if len(chosen) else None for name, chosen in shares.items()}


def interval(labels: Labels, probabilities: Floats, threshold: float) -> dict[str, Any]:
    """Between what rates of false positives the truth lies, 95 %, as far as so many negatives tell (Clopper and
    Pearson 1934)."""
    called = probabilities[labels == 0, -1] >= threshold
    if not len(called):
        return {"negatives": 0, "interval": [0.0, 1.0]}
    found = binomtest(int(called.sum()), len(called)).proportion_ci(method="exact")
    return {"negatives": len(called), "interval": [float(found.low), float(found.high)]}


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Expected calibration error over 15 bins of equal mass (Naeini et al. 2015, with equal masses).

    Of two classes the positive one's probability is compared with how often it is right; of more, the
    highest probability with how often its label is.
    """
    return _error(*_claims(labels, probabilities))


def calibration_errors(scores: Scores) -> dict[str, dict[str, Any]]:
    """The error after so many sentences, over the documents that have them (and a target there), and at the end;
    with the bins of its diagram. Where the documents are few, `corrected` is what is left of it without what chance
    adds, and `interval` is between what the truth lies, 95 %."""
    reached = {str(read): scores.reaching(read) for read in PREFIXES} | {"end": (scores.labels, scores.last)}
    return {read: _calibration(*_claims(*found)) for read, found in reached.items() if len(found[0])}


def _calibration(claimed: Floats, right: Floats) -> dict[str, Any]:
    found: dict[str, Any] = {"documents": len(claimed), "error": _error(claimed, right)}
    bins = _bins(claimed)
    found["claimed"] = [round(float(claimed[rows].mean()), 5) for rows in bins]
    found["right"] = [round(float(right[rows].mean()), 5) for rows in bins]
    return found | (_bounds(found) if 1 < len(claimed) < ENOUGH else {})


def _bounds(found: dict[str, Any]) -> dict[str, Any]:
    """`corrected` and `interval` of an error, from the bins of its diagram.

    The error adds up distances, so chance adds to it: a model without a fault has one, too, and resampling the
    documents adds the same again (Bröcker 2012 shows it of squares). So it is asked which true errors would give the
    one that was found (Hansen 1999, the grid bootstrap): the gaps are made larger and smaller, all by the same factor,
    and labels are drawn. The corrected error is the one that gives less as often as more; the ends give what was found
    or more, and what was found or less, once in forty. The latter is relative to how often no fault at all gives so
    little (Read 2002, CLs): else the luckiest of faultless models would seem to be measured to the last digit.
    """
    claimed, right = np.array(found["claimed"]), np.array(found["right"])
    sizes = np.array([len(rows) for rows in np.array_split(np.arange(found["documents"]), len(claimed))])
    # A gap that may be chance is at least one document's worth, and towards where there is room for one.
    gap = abs(right - claimed)
    clear = gap > 2 * np.sqrt(claimed * (1 - claimed) / sizes)
    over = np.where(clear, right < claimed, claimed > 0.5)
    gaps = np.where(over, -1, 1) * np.maximum(gap, 1 / sizes)
    truth = np.clip(claimed + _TIMES[:, None] * gaps, 0, 1)
    drawn = np.random.default_rng(0).binomial(sizes, truth, size=(DRAWS, *truth.shape)) / sizes
    errors, chance = (abs(of - claimed) @ sizes / sizes.sum() for of in (truth, drawn))
    seen = gap @ sizes / sizes.sum()
    less = np.minimum.accumulate(((chance < seen).mean(axis=0) + (chance <= seen).mean(axis=0)) / 2)
    low, middle, high = np.interp([0.975, 0.5, 0.025 * less[0]], less[::-1], errors[::-1]).tolist()
    return {"corrected": middle, "interval": [low, high]}


def _claims(labels: Labels, probabilities: Floats) -> tuple[Floats, Floats]:
    """What was claimed of each document, and whether it was right, both `[N]`."""
    if probabilities.shape[1] == 2:
        return probabilities[:, 1], (labels == 1).astype(np.float64)
    return probabilities.max(axis=1), (probabilities.argmax(axis=1) == labels).astype(np.float64)


def _error(claimed: Floats, right: Floats) -> float:
    gaps = [abs(claimed[rows].mean() - right[rows].mean()) * len(rows) for rows in _bins(claimed)]
    return float(sum(gaps) / len(claimed))


def _bins(claimed: Floats) -> list[Labels]:
    """The rows of each bin, by what they claim."""
    return [rows for rows in np.array_split(np.argsort(claimed, kind="stable"), BINS) if len(rows)]
