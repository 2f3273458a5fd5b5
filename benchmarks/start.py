"""Row 5: how long a worker takes to its first answer, what it holds in memory, and what a session holds in Redis.

a new server each round, with all models --/readyz--> seconds, MB resident
a session of 1 sentence, of 10,000 --STRLEN, MEMORY USAGE--> bytes
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import redis

from benchmarks.contest import UNDERTONE, Bench, Client
from benchmarks.server import Server
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import conversation
from models import shipped

SENTENCES: Final = (1, 10_000)
KEPT_BYTES: Final = 2048


def rows(bench: Bench) -> Iterator[Line | Target]:
    row = f"5 a worker with all {len(shipped.names())} models"
    started, resident, all_of_it = [], [], []
    for last in [False] * (bench.rounds - 1) + [True]:
        with bench.running(UNDERTONE, UNDERTONE_MODELS="") as (server,):
            started.append(server.started)
            Client(server).post("/v1/predict", {"text": conversation(12), "task": "spam"})
            resident.append(server.worker.memory_info().rss / 1e6)
            all_of_it.append(server.resident() / 1e6)
            if last:
                yield from _kept(server)
    yield Line(
        row,
        "Undertone",
        {
            "s to /readyz": Spread.of(started),
            "MB of the worker": Spread.of(resident),
            "MB with supervisor and Redis": Spread.of(all_of_it),
        },
    )
    yield Target("5 a worker", "to /readyz", Spread.of(started).median, 5, " s", least=False)
    yield Target("5 a worker", "resident", Spread.of(resident).median, 350, " MB", least=False)


def _kept(server: Server) -> Iterator[Line | Target]:
    """Bytes of a session in the store, by itself and with what Redis adds."""
    row = "5 a session in Redis"
    most = 0.0
    with redis.Redis.from_url(server.worker.environ()["REDIS_URL"]) as store:
        for sentences in SENTENCES:
            session = f"kept-{sentences}"
            asked = {"text": conversation(sentences), "task": "spam", "session_id": session}
            Client(server).post("/v1/predict", asked)
            key = f"undertone:public:spam:{session}"
            value, usage = float(store.strlen(key)), float(store.memory_usage(key) or 0)
            most = max(most, value)
            yield Line(
                row,
                f"after {sentences:,} sentence{'s' if sentences > 1 else ''}",
                {"bytes": Spread.of([value]), "with what Redis adds": Spread.of([usage])},
            )
    yield Target("5 a session", "bytes in Redis", most, KEPT_BYTES, "", least=False)
