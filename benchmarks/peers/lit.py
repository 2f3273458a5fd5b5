"""LitServe: `python -m benchmarks.peers.lit PORT`, POST /predict."""

from __future__ import annotations

import sys

import litserve

from benchmarks.peers.model import Answer, scorer


class Scores(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self.score = scorer()

    def decode_request(self, request):  # type: ignore[no-untyped-def] # a type would be the body's schema
        return request["text"]

    def predict(self, x: str) -> Answer:
        return self.score(x)


if __name__ == "__main__":
    server = litserve.LitServer(Scores(), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False)
