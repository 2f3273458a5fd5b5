"""What a session is: everything that is stored of a conversation between two requests.

    Record --pack--> bytes (to be sealed) --unpack--> Record

No text and no answer is in it. `before` and `text`, a hash, are what lets the last request be sent
again without being counted twice.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.verdict import NEVER
from service.errors import StateUnreadable

_HEAD: Final = struct.Struct("<32sIbiBIbiB32sII")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a conversation stands: `step` sentences read, the `state` after them (empty: none yet),
    the index of the `label` so far and of the sentence at which it was `decided_at` (-1: none yet), and the
    `column` at which what follows begins in its line, as far as sentences depend on it (at most 40)."""

    step: int = 0
    state: bytes = b""
    label: int = NEVER
    decided_at: int = NEVER
    column: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """`model` is the artefact's digest; `before` is the mark before the last request, and `text` a
    sha256 over the sentences that the last request has added since."""

    model: str
    now: Mark
    before: Mark
    text: bytes

    def pack(self) -> bytes:
        now, before = self.now, self.before
        head = _HEAD.pack(
            bytes.fromhex(self.model.removeprefix("sha256:")),
            now.step,
            now.label,
            now.decided_at,
            now.column,
            before.step,
            before.label,
            before.decided_at,
            before.column,
            self.text,
            len(now.state),
            len(before.state),
        )
        return head + now.state + before.state

    @classmethod
    def unpack(cls, data: bytes) -> Record:
        other = StateUnreadable("the stored state is of another version of Undertone: DELETE the session")
        if len(data) < _HEAD.size:
            raise other
        model, *numbers, text, size, size_before = _HEAD.unpack_from(data)
        step, label, decided, column, step_before, label_before, decided_before, column_before = numbers
        if len(data) != _HEAD.size + size + size_before:
            raise other
        state, state_before = data[_HEAD.size : _HEAD.size + size], data[_HEAD.size + size :]
        return cls(
            model=f"sha256:{model.hex()}",
            now=Mark(step, state, label, decided, column),
            before=Mark(step_before, state_before, label_before, decided_before, column_before),
            text=text,
        )


class TextHash:
    """sha256 over sentences, each with its length before it, so that no two lists share one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, sentences: Sequence[str]) -> TextHash:
        for sentence in sentences:
            data = sentence.encode()
            self._hash.update(len(data).to_bytes(4, "little"))
            self._hash.update(data)
        return self

    def digest(self) -> bytes:
        return self._hash.digest()
