"""What a request may say beside its text and task."""

from __future__ import annotations

from typing import TypedDict


class Options(TypedDict, total=False):
    """`model` is a name or a digest; `threshold` a number, or `"fpr:0.001"` for the model's own."""

    model: str
    threshold: float | str


class StreamOptions(Options, total=False):
    """`stop_at` in (0.5, 1): the stream ends early once it is so sure, and the rest is not read."""

    stop_at: float
