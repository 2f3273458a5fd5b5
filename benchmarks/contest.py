"""What the rows of `make bench` share: a core for servers, rounds in turn, and how an answer is asked for.

Bench --server--> Server      (server, path, bodies) --wrk, alone--> Sample: requests/s, p50, p99, CPU µs
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from weakref import finalize

from benchmarks.load import Load, post
from benchmarks.server import SERVICE, Server
from benchmarks.table import Found, Spread

CONNECTIONS: Final = 16
ENVIRONMENT: Final = {"UNDERTONE_MODELS": "spam-gru", "UNDERTONE_REDIS_TIMEOUT": "5"}
"""A store that is slow on a busy machine is to be seen in the figures, and not to end them."""
NEAR: Final = 1e-5
"""What two probabilities may differ by: promise 1."""


class Peer(NamedTuple):
    """`python COMMAND`, ready once the path `ready` answers; it is asked at `path`."""

    command: Sequence[str]
    path: str
    ready: str = "/readyz"


UNDERTONE: Final = Peer(SERVICE, "/v1/predict")
REREADING: Final = Peer(
    ("-m", "uvicorn", "benchmarks.peers.rereading:app", "--port", "{port}", "--no-access-log"), "/predict"
)


@dataclass(frozen=True)
class Bench:
    """`core` is the servers'; `seconds` of load each round; `folder` is for files that are sent and served;
    `data_dir` is where the data sets are, if they are here; `found` is what the rows before have found."""

    core: int
    rounds: int
    seconds: float
    folder: Path
    data_dir: Path | None = None
    found: Found = field(default_factory=lambda: Found({}))

    @contextmanager
    def running(self, *peers: Peer, **environment: str) -> Iterator[list[Server]]:
        """The peers' servers, all started; Undertone's with the one model that the others have, unless it is told."""
        with ExitStack() as stack:
            servers: list[Server] = []
            for peer in peers:
                server = Server(self.core, {**ENVIRONMENT, **environment}, peer.command, peer.ready)
                with server.alone(servers):
                    servers.append(stack.enter_context(server))
            yield servers


class Sample(NamedTuple):
    """A round of load, and the processor time that all processes of the server took for it, in seconds."""

    load: Load
    cpu: float

    @property
    def cpu_us(self) -> float:
        return 1e6 * self.cpu / self.load.requests


def loaded(
    server: Server, path: str, file: Path, seconds: float, connections: int = CONNECTIONS, accept: str = "*/*"
) -> Sample:
    before = server.cpu()
    load = post(server.url + path, file, connections, seconds, accept)
    return Sample(load, server.cpu() - before)


def figures(samples: Iterable[Sample]) -> dict[str, Spread]:
    samples = list(samples)
    return {
        "requests/s": Spread.of(s.load.rate for s in samples),
        "p50 ms": Spread.of(s.load.p50_ms for s in samples),
        "p99 ms": Spread.of(s.load.p99_ms for s in samples),
        "CPU µs": Spread.of(s.cpu_us for s in samples),
    }


class Client:
    """One connection that stays open as long as somebody has it."""

    def __init__(self, server: Server) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        finalize(self, self._connection.close)

    def post(self, path: str, body: dict[str, Any], accept: str = "*/*") -> bytes:
        """The answer's body; raises RuntimeError where it is not a 200."""
        headers = {"Content-Type": "application/json", "Accept": accept}
        self._connection.request("POST", path, json.dumps(body), headers)
        answer = self._connection.getresponse()
        data = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {data[:300]!r}")
        return data
