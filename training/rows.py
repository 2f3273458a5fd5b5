"""Results that take long, each made once: what is there already, of the same making, is not made again.

Making(name, folder, what, make) --make, where the key of `what` is another--> folder/row.json --> rows
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from models.artefact import PIPE
from training.draft import draft

ROW: Final = "row.json"
_COUNTED: Final = 3
"""Raised whenever a figure is counted in another way, so that no table mixes the two."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Making:
    """`what` determines what `make` gives, as plain values; an empty list where a program is not installed."""

    name: str
    folder: Path
    what: list[Any]
    make: Callable[[Path], list[Row]]


def rows(makings: Iterable[Making], minutes: float = 0.0) -> Iterator[tuple[str, list[Row]]]:
    """The rows of each name, as they are made or found; no new ones are begun after `minutes` (0: all of them)."""
    began = time.perf_counter()
    for making in makings:
        key = hashlib.sha256(json.dumps([*making.what, PIPE, _COUNTED], sort_keys=True).encode()).hexdigest()
        if (found := _kept(making.folder, key)) is None:
            if minutes and time.perf_counter() - began > 60 * minutes:
                continue
            print(f"{making.name} …", flush=True)
            found = making.make(making.folder)
            if not found:
                print(f"{making.name}: not installed, `make tools` does that")
                continue
            making.folder.mkdir(parents=True, exist_ok=True)
            with draft(making.folder / ROW) as part:
                part.write_text(json.dumps({"key": key, "rows": found}, indent=1) + "\n")
        yield making.name, found


def _kept(folder: Path, key: str) -> list[Row] | None:
    path = folder / ROW
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return found["rows"] if found.get("key") == key else None


def slug(name: str) -> str:
    """A name as that of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
