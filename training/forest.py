"""Grows a random forest on whole documents, and writes its trees into the arrays of models/forest.py.

examples --counts--> [N, V] --scikit-learn's trees--> feature, threshold, value
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier

from models.forest import RandomForest
from training.bag import matrix
from training.corpus import Example, classes


def fit(model: RandomForest, train: Sequence[Example], seed: int) -> None:
    """Sets the arrays of `model` to a forest that is grown on the documents' classes."""
    trees, _, number = model.value.shape
    forest = RandomForestClassifier(trees, max_depth=model.depth, random_state=seed)
    forest.fit(matrix(model, train), classes(train))
    model.threshold.fill_(torch.inf)
    for place, grown in enumerate(forest.estimators_):
        value = np.zeros((grown.tree_.node_count, number), dtype=np.float32)
        value[:, forest.classes_] = grown.tree_.value[:, 0]
        _write(model, place, grown.tree_, value)


def _write(model: RandomForest, number: int, grown: Any, value: np.ndarray) -> None:
    """A tree as scikit-learn grew it, `value [nodes, K]`, into place `number`."""
    nodes = model.threshold.shape[1]
    todo = [(0, 0)]
    while todo:
        its, ours = todo.pop()
        left, right = grown.children_left[its], grown.children_right[its]
        if left != right:
            model.get_buffer("feature")[number, ours] = int(grown.feature[its])
            model.threshold[number, ours] = float(grown.threshold[its])
            todo += [(left, 2 * ours + 1), (right, 2 * ours + 2)]
            continue
        # A leaf above the lowest row: the nodes below it send everything to the left, so one leaf will do.
        while ours < nodes:
            ours = 2 * ours + 1
        model.value[number, ours - nodes] = torch.from_numpy(value[its])
