"""What the scores of a labelled set are worth.

Scores, thresholds --figures--> {documents, accuracy, roc_auc, …, calibration_error: {prefix: …}, earliness: {…}}
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from training.score import Floats, Labels, Scores

PREFIXES: Final = (1, 2, 3, 5, 8, 13)
SHARES: Final = (0.1, 0.25, 0.5, 0.75, 1.0)
BINS: Final = 15


def figures(scores: Scores, thresholds: dict[str, float] | None = None) -> dict[str, Any]:
    """All figures of a test or validation set, as plain values; the last class is the positive one."""
    labels, last = scores.labels, scores.last
    result: dict[str, Any] = {"documents": len(labels), "positives": int((labels == last.shape[1] - 1).sum())}
    result |= summary(labels, last)
    result["thresholds"] = {
        rate: {"threshold": threshold} | rates(labels, last[:, -1], threshold)
        for rate, threshold in (thresholds or {}).items()
    }
    result["calibration_error"] = calibration_errors(scores)
    result["earliness"] = {
        "sentences": {str(n): accuracy(labels, scores.after(n)) for n in (0, *PREFIXES, 21, 34)},
        "share": {f"{share:.0%}": accuracy(labels, scores.at(share)) for share in SHARES},
    }
    return result


def summary(labels: Labels, probabilities: Floats) -> dict[str, float | None]:
    """Accuracy, ROC AUC, log loss, and the error rates at probability 1/2, of `probabilities [N, K]`."""
    classes = probabilities.shape[1]
    result: dict[str, float | None] = {"accuracy": accuracy(labels, probabilities), "roc_auc": None}
    if classes == 2 and 0 < labels.sum() < len(labels):
        result["roc_auc"] = float(roc_auc_score(labels, probabilities[:, 1]))
    result["log_loss"] = float(log_loss(labels, probabilities, labels=list(range(classes))))
    return result | rates(labels, probabilities[:, -1], 0.5) if classes == 2 else result


def accuracy(labels: Labels, probabilities: Floats) -> float:
    """The share of documents whose label is right; of two equal probabilities the positive one is taken."""
    taken = probabilities.shape[1] - 1 - probabilities[:, ::-1].argmax(axis=1)
    return float((taken == labels).mean())


def rates(labels: Labels, positive: Floats, threshold: float) -> dict[str, float | None]:
    """What share of the negatives, and of the positives, is called positive at `threshold`."""
    called = positive >= threshold
    shares = {"false_positive_rate": called[labels == 0], "recall": called[labels == 1]}
    return {name: float(chosen.mean()) if len(chosen) else None for name, chosen in shares.items()}


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Expected calibration error over 15 bins of equal mass (Naeini et al. 2015, with equal masses).

    Of two classes the positive one's probability is compared with how often it is right; of more, the
    highest probability with how often its label is.
    """
    if probabilities.shape[1] == 2:
        claimed, right = probabilities[:, 1], labels == 1
    else:
        claimed, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    order = np.argsort(claimed, kind="stable")
    bins = [rows for rows in np.array_split(order, BINS) if len(rows)]
    gaps = [abs(claimed[rows].mean() - right[rows].mean()) * len(rows) for rows in bins]
    return float(sum(gaps) / len(order))


def calibration_errors(scores: Scores) -> dict[str, dict[str, float]]:
    """The error after so many sentences, over the documents that have them (and a target there), and at the end."""
    errors: dict[str, dict[str, float]] = {}
    for read in PREFIXES:
        labels, probabilities = scores.reaching(read)
        if len(labels):
            errors[str(read)] = {"documents": len(labels), "error": calibration_error(labels, probabilities)}
    errors["end"] = {"documents": len(scores.labels), "error": calibration_error(scores.labels, scores.last)}
    return errors
