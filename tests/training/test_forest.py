"""A grown forest: our arrays say what scikit-learn's trees say."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from models.contract import Tokens
from models.forest import RandomForest
from training import forest
from training.bag import matrix
from training.corpus import example

SOME = np.random.default_rng(0)
DATA = [example(SOME.integers(0, 9, (3, 6)).tolist(), int(SOME.integers(0, 3))) for _ in range(60)]


@pytest.mark.parametrize("mode", ["binary", "count"])
@pytest.mark.parametrize("depth", [1, 3, 8])
def test_the_arrays_are_scikit_learns_trees(mode: Literal["binary", "count"], depth: int) -> None:
    model = RandomForest(words=8, classes=3, mode=mode, trees=6, depth=depth)
    forest.fit(model, DATA, seed=5)
    theirs = RandomForestClassifier(6, max_depth=depth, random_state=5)
    theirs.fit(matrix(model, DATA), [e.targets[-1] for e in DATA])
    wanted = np.log(np.maximum(theirs.predict_proba(matrix(model, DATA)), 1 / (2 * 6)))
    for e, row in zip(DATA, wanted, strict=True):
        x = model.encode(Tokens(torch.from_numpy(e.ids.astype(np.int64)), torch.from_numpy(e.lengths.astype(np.int64))))
        _, logits = model.unroll(x.unsqueeze(0))
        np.testing.assert_allclose(logits[0, -1].numpy(), row, atol=1e-5)


def test_a_class_that_no_document_has_is_at_the_floor() -> None:
    model = RandomForest(words=8, classes=4, trees=5, depth=2)
    forest.fit(model, DATA, seed=0)
    logits = model.readout(model.initial_state(1))
    assert logits[0, 3].item() == pytest.approx(np.log(1 / 10))
