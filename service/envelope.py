"""What stands in Redis instead of a state: encrypted, and bound to the key that it stands under.

    format byte | key number | nonce [12] | AES-256-GCM ciphertext and tag
    `-------- version: 14 bytes ---------`  what compare-and-set compares

A hidden state leaks the text that it was made from (Morris et al. 2023 recover most short texts from
an embedding), so it is personal data. Each Redis key has a key of its own, HKDF-SHA256 (RFC 5869) of
the state key and the Redis key's name: a value that is copied to another key does not open.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import StateUnreadable

FORMAT: Final = 1
NONCE: Final = 12
VERSION: Final = 2 + NONCE


class Envelope:
    """Seals with the first of `keys` (32 bytes each), opens with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("an envelope needs at least one key of 32 bytes: set UNDERTONE_STATE_KEY")
        self._keys = [(_number(key), key) for key in keys]

    def seal(self, name: str, plain: bytes) -> bytes:
        """`plain` as it may stand in Redis under the key `name`."""
        number, key = self._keys[0]
        head = bytes([FORMAT, number])
        nonce = secrets.token_bytes(NONCE)
        return head + nonce + _cipher(key, name).encrypt(nonce, plain, head)

    def open(self, name: str, sealed: bytes) -> bytes:
        """What was sealed under `name`; raises StateUnreadable for anything else."""
        head, nonce, rest = sealed[:2], sealed[2:VERSION], sealed[VERSION:]
        if len(sealed) > VERSION and head[0] == FORMAT:
            for number, key in self._keys:
                if number == head[1]:
                    try:
                        return _cipher(key, name).decrypt(nonce, rest, head)
                    except InvalidTag:
                        continue
        raise StateUnreadable(
            "the stored state does not open with this service's keys: it was changed, moved, or sealed with a key that "
            "is no longer in UNDERTONE_STATE_KEY; put that key back, or DELETE the session and start it again"
        )


def _number(key: bytes) -> int:
    """Says which key sealed a value without depending on the order in which keys are listed."""
    return hashlib.sha256(b"undertone key number" + key).digest()[0]


def _cipher(key: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt=None, info=b"undertone state\0" + name.encode()).derive(key))
