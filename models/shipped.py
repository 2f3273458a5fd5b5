"""Which models come along, and where they are. Needs no torch, so a supervisor or a `--help` can ask.

name --folder--> models/pretrained/<name>        path with a slash --folder--> that path
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

PRETRAINED: Final = Path(__file__).parent / "pretrained"
DEFAULTS: Final = ("spam-gru", "sentiment-gru", "spam-conv1d", "sentiment-conv1d")
"""The first of a task is its default."""


def names() -> list[str]:
    return sorted(path.parent.name for path in PRETRAINED.glob("*/config.toml"))


def folder(name: str) -> Path:
    """Where a model is, named or as a path."""
    return Path(name) if os.sep in name else PRETRAINED / name


def task_of(name: str) -> str | None:
    """The task of a model; None where there is none, or it cannot be read."""
    try:
        return str(tomllib.loads((folder(name) / "config.toml").read_text("utf-8"))["task"])
    except (OSError, ValueError, KeyError):
        return None


def first(task: str, among: Iterable[str] = DEFAULTS) -> str | None:
    """The default model of a task."""
    return next((name for name in among if task_of(name) == task), None)
