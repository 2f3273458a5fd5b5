"""The linear path beside a classifier: fitted after it, and never worse on validation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.metrics import roc_auc_score

from models.arrays.wide import FEW, SLOTS
from models.families import build
from models.wide import Wide
from training import wide
from training.corpus import example

# Class 1 says 1, class 0 says 2; one document of five says both. 0 is the unknown word, 3 says nothing.
DATA = [example([[3, 2 - i % 2], [3, 1 if i % 5 == 0 else 2 - i % 2], [3, 2 - i % 2], [0]], i % 2) for i in range(40)]


SIZES: dict[str, dict[str, Any]] = {
    "gru": {"pairs": 8, "embedding": 4, "hidden": 4, "dropout": 0.3},
    "conv1d": {"pairs": 8, "embedding": 2, "filters": 1},
}
families = pytest.mark.parametrize("family", SIZES)


def model(family: str, words: int = 3) -> Wide:
    torch.manual_seed(2)
    made = build(family, words=words, classes=2, sizes=SIZES[family] | {"wide": True})
    assert isinstance(made, Wide)
    return made


def area(odds: np.ndarray) -> float:
    return float(roc_auc_score([e.targets[-1] for e in DATA], odds))


@families
def test_a_word_counts_where_it_came_first_and_a_pair_as_often_as_it_comes(family: str) -> None:
    (row,) = wide.matrix(model(family), DATA[:1]).toarray()  # [3, 2], [3, 1], [3, 2], [0]
    told = row * np.sqrt(3 + 3 + FEW)
    assert told[0] == 0
    assert told[1:4].tolist() == pytest.approx([1, 1, 1])
    assert sorted(told[4:][told[4:] > 0]) == pytest.approx([1, 2])  # "3 1" and "3 2"


def test_what_shares_a_slot_shares_what_it_counts_or_comes_too_late() -> None:
    classifier = model("gru", 3 * SLOTS)
    rows, counts = wide.counted(classifier, example([[5, 5 + SLOTS, 5, 0], [], [5 + 2 * SLOTS, 6]], 1))
    assert rows[:4].tolist() == [5, 5 + SLOTS, 5, 6]
    told = counts * np.sqrt(2 + 4 + FEW)
    assert told.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1, 1, 1, 1, 1])


def test_pairs_weigh_half_with_idf() -> None:
    counts = csr_matrix(np.array([[1.0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]))
    assert wide.idf(counts, 2).tolist() == pytest.approx(
        [np.log(3 / 2), np.log(3), np.log(3 / 2) / 2, np.log(3 / 2) / 2]
    )


@families
def test_what_is_fitted_is_what_the_model_adds(family: str) -> None:
    classifier = model(family).eval()
    before = wide.ends(classifier, DATA)
    assert before == pytest.approx(wide.ends(classifier.inner, DATA))
    wide.fit(classifier, wide.linear(classifier, DATA * 20), DATA)
    added = wide.matrix(classifier, DATA) @ classifier.table.weight[:, 0].numpy()
    assert wide.ends(classifier, DATA) - before == pytest.approx(added, abs=1e-4)


@families
def test_the_fit_is_at_least_as_good_as_the_inner_classifier_alone(family: str) -> None:
    classifier = model(family).eval()
    before = area(wide.ends(classifier, DATA))
    found = wide.fit(classifier, wide.linear(classifier, DATA * 20), DATA)
    assert found["validation_roc_auc"] == pytest.approx(area(wide.ends(classifier, DATA)))
    assert found["validation_roc_auc"] == 1.0 > before
    assert not classifier.table.weight[0].any()


def test_the_share_is_what_two_known_parts_ask_for() -> None:
    generator = np.random.default_rng(5)
    inner, linear = generator.normal(0, 1, (2, 20_000))
    labels = (generator.uniform(size=20_000) < 1 / (1 + np.exp(-(2 * inner + linear)))).astype(np.int64)
    assert wide.mix(inner, linear, labels)[0] == pytest.approx(0.5, abs=0.05)
    # Whatever the scale of either; and a linear path that misleads is left out.
    assert wide.mix(inner, linear / 10, labels)[0] == pytest.approx(5, abs=0.5)
    assert wide.mix(inner, -linear, labels)[0] == 0


@pytest.mark.parametrize(
    ("much", "little"), [({"often": 1.0}, {"often": 0.01}), ({"beliefs": (0.99, 0.01)}, {"beliefs": (0.505, 0.495)})]
)
def test_what_an_epoch_meets_in_part_or_is_believed_in_part_counts_in_part(
    much: dict[str, Any], little: dict[str, Any]
) -> None:
    classifier = model("gru")
    misleading = [example([[3, 2 - e.targets[-1]]], 1 - e.targets[-1]) for e in DATA * 20]
    alike, rarely = (
        wide.linear(classifier, DATA * 20 + [e._replace(**so) for e in misleading])["ratios"][30.0]
        for so in (much, little)
    )
    assert rarely[1] - rarely[2] > alike[1] - alike[2]
