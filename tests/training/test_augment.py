"""A varied document has words of the document in their order, in sentences that may be others; a dressed one has all of
them and pieces beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import augment
from training.augment import dress, vary
from training.corpus import example
from training.pieces import Pieces

DOCUMENTS = st.lists(st.lists(st.integers(1, 99), max_size=6), min_size=1, max_size=12)
LONG = example([[10 * s + w for w in range(10)] for s in range(40)], 1)._replace(dressy=True)


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
    e = LONG._replace(targets=np.arange(40) // 20)
    chance = np.random.default_rng(5)
    for _ in range(100):
        varied = vary(e, 1.0, chance)
        last_words = varied.ids[np.cumsum(varied.lengths) - 1]
        assert varied.targets.tolist() == [int(word // 10 >= 20) for word in last_words]


PIECES = Pieces([[[900]]], [[[901, 902], [903]]], [[[904]]], [[[905]]])
"""One in each place."""


@given(DOCUMENTS, st.integers(0, 1), st.integers(0, 2**32))
def test_a_dressed_document_is_the_document_with_pieces_around_it(ids: list[list[int]], label: int, seed: int) -> None:
    e = example(ids, label)._replace(beliefs=(0.25, 0.75), dressy=True)
    dressed = dress(e, PIECES, 1.0, np.random.default_rng(seed))
    assert [i for i in dressed.ids if i < 900] == e.ids.tolist()
    assert (
        len(dressed.lengths) == len(dressed.targets) == len(e.lengths) + sum(np.isin(dressed.ids, [902, 903, 904, 905]))
    )
    assert dressed.lengths.sum() == len(dressed.ids)
    assert set(dressed.targets) == {label}
    assert (dressed.beliefs, dressed.ids.dtype, dressed.lengths.dtype) == (e.beliefs, e.ids.dtype, e.lengths.dtype)


def test_each_piece_stands_in_its_place_as_often_as_it_should() -> None:
    chance = np.random.default_rng(6)
    dressed = [dress(LONG, PIECES, 1.0, chance) for _ in range(1000)]
    for place, ids in zip(augment.PLACES, ([900], [901, 902, 903], [904], [905]), strict=True):
        found = [e for e in dressed if set(ids) <= set(e.ids)]
        assert len(found) / 1000 == pytest.approx(augment.PLACES[place], abs=0.05)
    with_before = [e.ids.tolist() for e in dressed if 901 in e.ids]
    below = [ids for ids in with_before if ids.index(901) >= 10]  # after the first sentence
    assert len(below) / len(with_before) == pytest.approx(augment.SUBJECT, abs=0.07)
    assert all(e.ids[-1] == 904 for e in dressed if 904 in e.ids)
    assert all(e.ids.tolist().index(900) + 1 == e.ids.tolist().index(0) for e in dressed if 900 in e.ids)
    between = [np.count_nonzero(e.ids == 905) / 40 for e in dressed if 905 in e.ids]
    assert np.mean(between) == pytest.approx(augment.MARKED, abs=0.03)


def test_pieces_have_the_targets_of_their_neighbours() -> None:
    e = LONG._replace(targets=np.arange(40) // 20)
    chance = np.random.default_rng(7)
    for _ in range(100):
        dressed = dress(e, PIECES, 1.0, chance)
        last_words = dressed.ids[np.cumsum(dressed.lengths) - 1]
        targets = dict(zip(last_words.tolist(), dressed.targets.tolist(), strict=True))
        assert targets.get(903, 0) == 0
        assert targets.get(904, 1) == 1


def test_the_rate_says_how_many_are_dressed() -> None:
    chance = np.random.default_rng(9)
    assert all(dress(LONG, PIECES, 0.0, chance) is LONG for _ in range(50))
    nothing_put = np.prod([1 - odds for odds in augment.PLACES.values()])
    dressed = sum(len(dress(LONG, PIECES, 0.4, chance).ids) > len(LONG.ids) for _ in range(1000))
    assert dressed == pytest.approx(400 * (1 - nothing_put), abs=60)


def test_only_what_is_dressy_is_dressed() -> None:
    chance = np.random.default_rng(10)
    plain = LONG._replace(dressy=False)
    assert all(dress(plain, PIECES, 1.0, chance) is plain for _ in range(50))


def test_a_stretch_keeps_what_else_is_known_of_its_document() -> None:
    e = LONG._replace(beliefs=(0.25, 0.75))
    varied = vary(e, 1.0, np.random.default_rng(11))
    assert (varied.beliefs, varied.dressy) == (e.beliefs, True)
