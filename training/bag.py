"""Fits a bag of words to whole documents: scikit-learn's logistic regression, into the linear layer of models/bow.py.

examples --matrix--> what the readout sees [N, V] --a regression per strength, validation picks--> weight, bias
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from scipy.sparse import csr_matrix, vstack  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from models.bow import Bag, BagOfWords, BagState
from models.vocabulary import UNKNOWN
from training.corpus import Example, classes

STRENGTHS: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Inverse strengths of the regularisation that are tried, for features whose squares add up to 1 a document."""
AT_ONCE: Final = 1000
"""Documents whose counts are there with all their zeros at one time."""


def fit(model: BagOfWords, train: Sequence[Example], validation: Sequence[Example]) -> None:
    """Sets the weights to those with the lowest log loss at the end of the validation documents."""
    seen, labels = matrix(model, train), classes(train)
    unseen, wanted = matrix(model, validation), classes(validation)
    size = seen.multiply(seen).sum() / seen.shape[0] or 1.0
    solver = "liblinear" if len(np.unique(labels)) == 2 else "lbfgs"
    tried = [
        LogisticRegression(C=strength / size, solver=solver, max_iter=1000, random_state=0).fit(seen, labels)
        for strength in STRENGTHS
    ]
    best = min(tried, key=lambda found: log_loss(wanted, found.predict_proba(unseen), labels=found.classes_))
    weight, bias = best.coef_, best.intercept_
    if len(best.classes_) == 2:  # scikit-learn has one row for two classes
        weight, bias = np.vstack([-weight / 2, weight / 2]), np.concatenate([-bias / 2, bias / 2])
    with torch.no_grad():
        model.linear.weight.zero_()
        model.linear.bias.fill_(-np.log(len(labels)))  # of a class that no document has
        model.linear.weight[best.classes_] = torch.from_numpy(weight).float()
        model.linear.bias[best.classes_] = torch.from_numpy(bias).float()


def matrix(model: Bag, data: Sequence[Example]) -> Any:
    """What the readout sees at the end of each document, `[N, V]`, sparse: see `Bag.features`."""
    known = [e.ids[e.ids != UNKNOWN] - 1 for e in data]
    rows = np.repeat(np.arange(len(data)), [len(ids) for ids in known])
    columns = np.concatenate(known)
    counts = csr_matrix((np.ones(len(columns), np.float32), (rows, columns)), shape=(len(data), model.words))
    parts = (counts[start : start + AT_ONCE] for start in range(0, len(data), AT_ONCE))
    return vstack([csr_matrix(model.features(BagState(torch.from_numpy(p.toarray()))).numpy()) for p in parts])
