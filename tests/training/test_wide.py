"""The linear path beside a GRU: fitted after it, added up over sentences, and never worse on validation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from models.contract import Tokens
from models.gru import GRU, WideState
from training import wide
from training.corpus import Example, example

# Class 1 says 1, class 0 says 2; one document of five says both. 0 is the unknown word, 3 says nothing.
DATA = [example([[3, 2 - i % 2], [3, 1 if i % 5 == 0 else 2 - i % 2], [3, 2 - i % 2], [0]], i % 2) for i in range(40)]


def model() -> GRU:
    torch.manual_seed(2)
    return GRU(words=3, classes=2, pairs=8, embedding=4, hidden=4, wide=1, dropout=0.3)


def area(odds: np.ndarray) -> float:
    return float(roc_auc_score([e.targets[-1] for e in DATA], odds))


def logits(classifier: GRU, data: Example) -> torch.Tensor:
    tokens = Tokens(torch.from_numpy(data.ids.astype(np.int64)), torch.from_numpy(data.lengths.astype(np.int64)))
    with torch.inference_mode():
        return classifier.unroll(classifier.encode(tokens).unsqueeze(0))[1][0]


def test_counts_are_of_words_and_pairs_and_leave_the_unknown_out() -> None:
    counts = wide.matrix(model(), DATA[:1]).toarray()[0]
    assert counts[0] == 0
    assert counts[1:4].tolist() == [np.count_nonzero(DATA[0].ids == i) for i in (1, 2, 3)]
    assert counts[4:].sum() == 3  # one pair in each sentence of two words


def test_the_fit_is_at_least_as_good_as_the_recurrent_path_alone() -> None:
    classifier = model().eval()
    before = area(wide.ends(classifier, DATA))
    found = wide.fit(classifier, DATA * 20, DATA)
    assert found["validation_roc_auc"] == pytest.approx(area(wide.ends(classifier, DATA)))
    assert found["validation_roc_auc"] == 1.0 > before
    assert classifier.wide is not None
    assert classifier.wide.weight[0].tolist() == [0, 0]


def test_what_is_added_is_the_sum_of_the_weights_of_all_that_was_read() -> None:
    classifier = model().eval()
    plain = logits(classifier, DATA[0])
    assert classifier.wide is not None
    torch.nn.init.normal_(classifier.wide.weight)
    ids = classifier.encoder.grams(Tokens.of([DATA[0].ids.tolist()]))[0]
    words = DATA[0].ids.astype(np.int64)
    pairs = [classifier.encoder.grams(Tokens.of([list(map(int, words[i : i + 2]))]))[0][-1:] for i in (0, 2, 4)]
    wanted = classifier.wide.weight[torch.cat([torch.from_numpy(words), *pairs])].sum(dim=0)
    assert len(ids) > len(words)
    torch.testing.assert_close(logits(classifier, DATA[0])[-1] - plain[-1], wanted)


def test_training_does_not_see_it_and_does_not_move_it() -> None:
    classifier = model().train()
    assert classifier.wide is not None
    torch.nn.init.ones_(classifier.wide.weight)
    x = classifier.encode(Tokens.of([[1, 2], [3]]))
    assert x[:, 4:].tolist() == [[0, 0], [0, 0]]
    state, out = classifier.unroll(x.unsqueeze(0))
    out.sum().backward()
    assert isinstance(state, WideState)
    assert state.total.tolist() == [[0, 0]]
    assert classifier.wide.weight.grad is None
