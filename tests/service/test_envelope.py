"""What is sealed opens under its own name with its own key, and in no other way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.envelope import NONCE, VERSION, Envelope
from service.errors import StateUnreadable

OLD, NEW = bytes(32), bytes(range(32))
NAME = "undertone:anna:spam:1"


@given(st.binary(max_size=300), st.text(max_size=30))
def test_what_was_sealed_opens(plain: bytes, name: str) -> None:
    envelope = Envelope([NEW])
    sealed = envelope.seal(name, plain)
    assert envelope.open(name, sealed) == plain
    assert len(sealed) == VERSION + len(plain) + 16


def test_a_flipped_bit_in_any_byte_does_not_open() -> None:
    envelope = Envelope([NEW])
    sealed = envelope.seal(NAME, b"a state")
    for at in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[at] ^= 1 << bit
            with pytest.raises(StateUnreadable):
                envelope.open(NAME, bytes(changed))


def test_a_part_does_not_open() -> None:
    envelope = Envelope([NEW])
    sealed = envelope.seal(NAME, b"a state")
    for size in range(len(sealed)):
        with pytest.raises(StateUnreadable):
            envelope.open(NAME, sealed[:size])
    with pytest.raises(StateUnreadable):
        envelope.open(NAME, sealed + b"\0")


@pytest.mark.parametrize("other", ["undertone:anna:spam:2", "undertone:bert:spam:1", "undertone:anna:sentiment:1", ""])
def test_what_is_moved_to_another_key_does_not_open(other: str) -> None:
    envelope = Envelope([NEW])
    with pytest.raises(StateUnreadable, match="DELETE the session"):
        envelope.open(other, envelope.seal(NAME, b"a state"))


def test_keys_are_rotated_by_putting_a_new_one_first() -> None:
    old, both, new = Envelope([OLD]), Envelope([NEW, OLD]), Envelope([NEW])
    assert both.open(NAME, old.seal(NAME, b"before")) == b"before"
    assert new.open(NAME, both.seal(NAME, b"after")) == b"after"
    with pytest.raises(StateUnreadable):
        new.open(NAME, old.seal(NAME, b"before"))
    with pytest.raises(StateUnreadable):
        old.open(NAME, both.seal(NAME, b"after"))


def test_keys_with_the_same_number_are_all_tried() -> None:
    """The number is one byte: among 300 keys two share it."""
    keys = [bytes([i % 256, i // 256]) * 16 for i in range(300)]
    envelope = Envelope(keys)
    for key in keys:
        assert envelope.open(NAME, Envelope([key]).seal(NAME, b"a state")) == b"a state"


def test_the_same_state_never_looks_the_same_and_never_shows() -> None:
    envelope = Envelope([NEW])
    plain = b"a state that is long enough to be seen"
    sealed = {envelope.seal(NAME, plain) for _ in range(100)}
    assert len({value[2 : 2 + NONCE] for value in sealed}) == len(sealed) == 100
    assert not any(plain[i : i + 4] in value for value in sealed for i in range(len(plain) - 3))


def test_without_keys_there_is_no_envelope() -> None:
    with pytest.raises(ValueError, match="UNDERTONE_STATE_KEY"):
        Envelope([])
