"""BentoML as it comes: a service with one API and all defaults."""

from __future__ import annotations

from typing import Any

import bentoml

from benchmarks.peers.model import scorer


@bentoml.service
class Plain:
    def __init__(self) -> None:
        self.score = scorer()

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, text: str) -> dict[str, Any]:
        return dict(self.score(text))
