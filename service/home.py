"""The folder of one running service: two in one would wipe each other's metrics, and BentoML wipes before it binds.

folder --made, and a file in it locked--> held, by whatever is executed meanwhile and by what that starts | HomeError
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = "undertone.lock"


class HomeError(RuntimeError):
    """The service cannot have that folder; the message says why, and the way out."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else can hold the folder meanwhile. A process that is executed or started here holds it to its own end,
    whichever way that ends, as the system knows who has a file open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise HomeError(
            f"{folder} cannot be written to ({error.strerror}): choose another folder, BENTOML_HOME=…"
        ) from None
    try:
        os.set_inheritable(lock, True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HomeError(
                f"another service that runs, begins or ends has {folder}: stop it or wait for its end, or choose "
                "another port, PORT=… (with `python -m service`: --port), or folder, BENTOML_HOME=…"
            ) from None
        yield
    finally:
        os.close(lock)
