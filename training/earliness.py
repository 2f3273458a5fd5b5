"""How soon a running probability is right: what is known after so many sentences, and when to stop reading.

Scores --after n, after a share--> accuracies
Scores --stop: the likelier label's error is at most so much--> decided [N], read [N] --> ERDE, harmonic mean
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from training.score import Labels, Scores

PREFIXES: Final = (1, 2, 3, 5, 8, 13)
SHARES: Final = (0.1, 0.25, 0.5, 0.75, 1.0)
ERRORS: Final = (0.1, 0.05, 0.01)
"""Stated errors of the stop rule; the middle one is that of ERDE."""
DELAYS: Final = (5, 50)


def earliness(scores: Scores) -> dict[str, Any]:
    """Accuracy by what was read, and what the stop rule gives, as plain values; 1 less the accuracy is the error
    rate. For each stated error: accuracy, `early_error` of what was decided before the end, and what was read."""
    found: dict[str, Any] = {
        "sentences": {str(n): accuracy(scores.labels, scores.after(n)) for n in (0, *PREFIXES, 21, 34)},
        "share": {f"{share:.0%}": accuracy(scores.labels, scores.at(share)) for share in SHARES},
        "stop": {f"{error:.0%}": _stopped(scores, error) for error in ERRORS},
    }
    if scores.last.shape[1] == 2:
        decided, read = stop(scores, ERRORS[1])
        found["erde"] = {str(delay): erde(scores.labels, decided, read, delay) for delay in DELAYS}
    return found


def stop(scores: Scores, error: float) -> tuple[Labels, Labels]:
    """What is decided about each document, `[N]`, and after how many sentences, `[N]`: as soon as a label has a
    probability of at least 1 - `error`, else after the last one."""
    decided, read = [], []
    for probabilities in scores.probabilities:
        sure = probabilities[1:].max(axis=1) >= 1 - error
        at = int(sure.argmax()) if sure.any() else len(sure) - 1
        decided.append(_taken(probabilities[at + 1][None])[0])
        read.append(at + 1)
    return np.array(decided, dtype=np.int64), np.array(read, dtype=np.int64)


def erde(labels: Labels, decided: Labels, read: Labels, delay: int) -> float:
    """Early risk detection error (Losada and Crestani 2016), the mean over documents, k sentences read:

    a false positive costs the share of positives, a false negative 1, a true positive 1 - 1 / (1 + e^(k - delay)),
    a true negative nothing. In units of 1, not percent.

    >>> found = np.array([1, 1])
    >>> round(erde(found, found, np.array([5, 500]), 5), 4)  # half the cost at k = delay, all of it long after
    0.75
    """
    late = 1 / (1 + np.exp(np.clip(delay - read, -500, 500).astype(np.float64)))
    cost = np.where(decided == 1, np.where(labels == 1, late, labels.mean()), np.where(labels == 1, 1.0, 0.0))
    return float(cost.mean())


def accuracy(labels: Labels, probabilities: np.ndarray) -> float:
    """The share of documents whose label is right; of two equal probabilities the positive one is taken."""
    return float((_taken(probabilities) == labels).mean())


def _taken(probabilities: np.ndarray) -> Labels:
    return np.asarray(probabilities.shape[1] - 1 - probabilities[:, ::-1].argmax(axis=1))


def _stopped(scores: Scores, error: float) -> dict[str, float | None]:
    """The harmonic mean is that of accuracy and of the share left unread (Schäfer and Leser 2020)."""
    decided, read = stop(scores, error)
    length = np.array([len(p) - 1 for p in scores.probabilities])
    right, early = decided == scores.labels, read < length
    unread = float(1 - (read / length).mean())
    found = float(right.mean())
    return {
        "accuracy": found,
        "early": float(early.mean()),
        "early_error": float(1 - right[early].mean()) if early.any() else None,
        "sentences": float(read.mean()),
        "unread": unread,
        "harmonic_mean": 2 * found * unread / (found + unread) if found + unread else 0.0,
    }
