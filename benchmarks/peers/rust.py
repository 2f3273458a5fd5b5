"""Mosec: `python -m benchmarks.peers.rust --port PORT`, POST /inference; HTTP in Rust, the model behind it."""

from __future__ import annotations

from typing import Any

import mosec

from benchmarks.peers.model import Answer, scorer


class Scores(mosec.Worker):  # type: ignore[misc]
    def __init__(self) -> None:
        self.score = scorer()

    def forward(self, data: dict[str, Any]) -> Answer:
        return self.score(data["text"])


if __name__ == "__main__":
    server = mosec.Server()
    server.append_worker(Scores)
    server.run()
