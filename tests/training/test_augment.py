"""A varied document has words of the document in their order, in sentences that may be others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.augment import vary
from training.corpus import Example, example

DOCUMENTS = st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1, max_size=12)
LONG = example([[10 * s + w for w in range(10)] for s in range(40)], 1)


@given(DOCUMENTS, st.integers(0, 1), st.integers(0, 2**32))
def test_it_is_a_stretch_of_the_document(ids: list[list[int]], label: int, seed: int) -> None:
    e = example(ids, label)
    varied = vary(e, 1.0, np.random.default_rng(seed))
    assert len(varied.lengths) == len(varied.targets) >= 1
    assert varied.lengths.sum() == len(varied.ids)
    assert (varied.lengths >= 0).all()
    assert set(varied.targets) == {label}
    whole, part = f",{','.join(map(str, e.ids))},", ",".join(map(str, varied.ids))
    assert not part or f",{part}," in whole
    assert varied.ids.dtype == e.ids.dtype
    assert varied.lengths.dtype == e.lengths.dtype


def test_the_rate_says_how_many_are_varied() -> None:
    chance = np.random.default_rng(3)
    assert all(vary(LONG, 0.0, chance) is LONG for _ in range(50))
    assert sum(vary(LONG, 0.3, chance) is not LONG for _ in range(1000)) == pytest.approx(300, abs=60)


def test_sentence_ends_come_and_go_and_beginnings_are_left_out() -> None:
    chance = np.random.default_rng(4)
    varied = [vary(LONG, 1.0, chance) for _ in range(500)]
    begun = np.mean([e.ids[0] == LONG.ids[0] for e in varied])
    ended = np.mean([e.ids[-1] == LONG.ids[-1] for e in varied])
    assert 0.1 < begun < 0.3
    assert 0.5 < ended < 0.6
    assert any(length > 10 for e in varied for length in e.lengths)
    assert any(length not in (10, 20, 30) for e in varied for length in e.lengths)
    # A fifth of the ends go, a tenth of the sentences are two: about 0.9 as many.
    kept = [len(e.lengths) / (len(e.ids) / 10) for e in varied if len(e.ids) > 100]
    assert np.mean(kept) == pytest.approx(0.9, abs=0.03)


def test_a_document_with_targets_of_its_own_keeps_them_with_their_sentences() -> None:
    e = Example(LONG.ids, LONG.lengths, np.arange(40) // 20)
    chance = np.random.default_rng(5)
    for _ in range(100):
        varied = vary(e, 1.0, chance)
        last_words = varied.ids[np.cumsum(varied.lengths) - 1]
        assert varied.targets.tolist() == [int(word // 10 >= 20) for word in last_words]
