"""A file that is there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Where to write what shall be at `path`, and is there once all is written: a cut leaves what was there. Each
    process has a draft of its own, as several trainings may write one file at once."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    yield part
    part.replace(path)
