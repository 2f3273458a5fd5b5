"""A session goes into bytes and out again, whatever its size; what is not one is refused."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import StateUnreadable
from service.record import Mark, Record, TextHash

numbers = st.integers(0, 2**32 - 1)
marks = st.builds(
    Mark, numbers, st.binary(max_size=200), st.integers(-1, 127), st.integers(-1, 2**31 - 1), st.integers(0, 40)
)
digests = st.binary(min_size=32, max_size=32)
records = st.builds(Record, digests.map(lambda d: f"sha256:{d.hex()}"), marks, marks, digests)


@given(records)
def test_what_was_packed_is_unpacked(record: Record) -> None:
    assert Record.unpack(record.pack()) == record


def test_a_large_state_fits() -> None:
    """A bag of words over 50,000 words holds 200 KB."""
    record = Record(f"sha256:{'ab' * 32}", Mark(1, bytes(200_000)), Mark(), bytes(32))
    assert Record.unpack(record.pack()) == record


@given(records)
def test_a_part_or_more_is_refused(record: Record) -> None:
    data = record.pack()
    for other in (*(data[:size] for size in range(len(data))), data + b"\0"):
        with pytest.raises(StateUnreadable):
            Record.unpack(other)


def test_the_hash_of_a_text_does_not_depend_on_turns_and_tells_lists_apart() -> None:
    whole = TextHash().add(["One.", "Two.", "Three."]).digest()
    assert TextHash().add(["One."]).add([]).add(["Two.", "Three."]).digest() == whole
    lists = [["One.Two.", "Three."], ["One.", "Two."], ["Two.", "One.", "Three."], [], ["One.", "Two.", "Three.", ""]]
    hashes = [whole, *(TextHash().add(sentences).digest() for sentences in lists)]
    assert all(a != b for a, b in itertools.combinations(hashes, 2))
