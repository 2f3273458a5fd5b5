"""Tokens and runs of rows in NumPy, against torch's and against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import contract, encoders
from models.arrays import tokens as arrays
from models.arrays.tokens import Runs, Tokens, per

sentences = st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=8)


@given(sentences, st.sampled_from([0, 1, 7, 98304]))
def test_the_rows_of_words_and_pairs_are_torchs(ids: list[list[int]], pairs: int) -> None:
    runs = Tokens(ids).grams(9, pairs)
    rows, starts = encoders.grams(contract.Tokens.of(ids), 9, pairs)
    wanted = [sorted(part.tolist()) for part in np.split(rows.numpy(), starts.numpy()[1:])] if ids else []
    firsts = runs.ends - runs.counts
    assert [sorted(runs.rows[a:b].tolist()) for a, b in zip(firsts, runs.ends, strict=True)] == wanted


@pytest.mark.parametrize("at_once", [1, 2, 3, 1000])
@given(ids=sentences)
def test_sums_are_those_of_a_loop_however_many_rows_go_at_once(at_once: int, ids: list[list[int]]) -> None:
    table = np.random.default_rng(0).standard_normal((10, 3), np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "AT_ONCE", at_once)
        sums = Tokens(ids).words.sums(table)
    wanted = np.array([table[s].sum(axis=0) for s in ids], np.float32).reshape(-1, 3)
    np.testing.assert_allclose(sums, wanted, rtol=1e-5, atol=1e-6)
    assert sums.dtype == np.float32


@given(st.lists(st.integers(0, 5), max_size=12), st.integers(1, 12))
def test_parts_are_whole_runs_and_leave_nothing_out(counts: list[int], size: int) -> None:
    runs = Runs(np.zeros(sum(counts), np.int64), np.array(counts, np.int64))
    parts = list(runs.parts(size))
    assert [i for which, _ in parts for i in range(which.start, which.stop)] == list(range(len(counts)))
    assert [i for _, rows in parts for i in range(rows.start, rows.stop)] == list(range(sum(counts)))
    for which, rows in parts:
        assert rows.stop - rows.start == sum(counts[which]) <= max(size, *counts[which])


def test_a_mean_over_nothing_is_nothing() -> None:
    assert per(np.array([[0, 0], [3, 6]], np.float32), np.array([0, 3])).tolist() == [[0, 0], [1, 2]]
