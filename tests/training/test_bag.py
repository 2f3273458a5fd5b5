"""A fitted bag of words: the layer says what scikit-learn's regression says of what the readout sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from models.bow import BagOfWords
from models.contract import Tokens
from models.vocabulary import Mode, Vocabulary
from training import bag
from training.corpus import Example, classes, example

MODES: tuple[Mode, ...] = ("binary", "count", "freq", "tfidf")


def documents(classes: int, seed: int = 0) -> list[Example]:
    """Each of five words, some of them of the class; word 0 is unknown."""
    chance = np.random.default_rng(seed)
    labels = [i % classes for i in range(90)]
    return [example([chance.choice((0, 1, 4, 5, 6, 7, 8), 4).tolist(), [1 + label]], label) for label in labels]


def model(mode: Mode, classes: int) -> BagOfWords:
    torch.manual_seed(0)
    found = BagOfWords(words=8, classes=classes, mode=mode)
    found.prepare(Vocabulary([str(i) for i in range(8)], list(range(1, 9)), 20))
    return found


def logits(model: BagOfWords, e: Example) -> np.ndarray:
    x = model.encode(Tokens(torch.from_numpy(e.ids.astype(np.int64)), torch.from_numpy(e.lengths.astype(np.int64))))
    return model.unroll(x.unsqueeze(0))[1][0, -1].detach().numpy()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [2, 3])
def test_the_layer_is_scikit_learns_regression(mode: Mode, number: int) -> None:
    ours, data, unseen = model(mode, number), documents(number), documents(number, seed=1)
    bag.fit(ours, data, unseen)
    seen = np.array([ours.features(ours.update(ours.initial_state(1), _counts(ours, e)))[0].numpy() for e in data])
    np.testing.assert_allclose(bag.matrix(ours, data).toarray(), seen, rtol=1e-5)
    found = np.array([logits(ours, e) for e in unseen])
    told = torch.log_softmax(torch.from_numpy(found), dim=1).exp().numpy()
    solver, size = "liblinear" if number == 2 else "lbfgs", (seen**2).sum() / len(seen)
    theirs = [
        LogisticRegression(C=c / size, solver=solver, max_iter=1000, random_state=0).fit(seen, classes(data))
        for c in bag.STRENGTHS
    ]
    gaps = [np.abs(one.predict_proba(bag.matrix(ours, unseen).toarray()) - told).max() for one in theirs]
    assert min(gaps) < 1e-3
    assert (found.argmax(axis=1) == classes(unseen)).mean() > 0.6


def _counts(model: BagOfWords, e: Example) -> torch.Tensor:
    tokens = Tokens(torch.from_numpy(e.ids.astype(np.int64)), torch.from_numpy(e.lengths.astype(np.int64)))
    return model.encode(tokens).sum(dim=0, keepdim=True)


def test_a_class_that_no_document_has_is_never_likely() -> None:
    bag.fit(ours := model("count", 4), documents(3), documents(3, seed=1))
    assert all(logits(ours, e).argmax() != 3 for e in documents(3, seed=1))
