"""Row 2: /v1/stream, and whether a sentence costs the same however much of its conversation came before.

twelve sentences at once --wrk--> CPU µs a sentence        --one by one--> ms to the first event
a session of many sentences --one more, again and again--> CPU µs each, beside a server that reads all of them again
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from statistics import median, quantiles
from typing import Final, NamedTuple

from benchmarks.contest import NEAR, REREADING, UNDERTONE, Bench, Client, loaded
from benchmarks.load import NDJSON, bodies
from benchmarks.rounds import in_turn
from benchmarks.server import Server
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import MAIL, MAIL_SENTENCES, SENTENCES, conversation

PATH: Final = "/v1/stream"
DEPTHS: Final = (1, 100, 1_000, 10_000)
STEPS: Final = 250
"""Sentences of a session that are measured together, for a second of its depth."""
REREAD: Final = 20_000
"""Sentences that the server without memory reads in a round, at least one conversation's."""
FIRSTS: Final = 100


class Cost(NamedTuple):
    """Of a sentence, in µs."""

    cpu: float
    wall: float


def rows(bench: Bench) -> Iterator[Line | Target]:
    with bench.running(UNDERTONE, REREADING) as (undertone, rereading):
        with undertone.alone([rereading]):
            yield from _together(bench, undertone)
        yield from _depths(bench, undertone, rereading)


def _together(bench: Bench, server: Server) -> Iterator[Line | Target]:
    row = "2 /v1/stream, twelve sentences that arrive together"
    file = bodies(bench.folder / "stream.jsonl", [{"text": MAIL, "task": "spam"}])
    works = {"Undertone": partial(loaded, server, PATH, file, bench.seconds, accept=NDJSON)}
    samples = in_turn(works, bench.rounds)["Undertone"]
    firsts = [_first_events(server) for _ in range(bench.rounds)]
    each = [sample.cpu_us / MAIL_SENTENCES for sample in samples]
    yield Line(
        row,
        "Undertone",
        {
            "sentences/s": Spread.of(sample.load.rate * MAIL_SENTENCES for sample in samples),
            "CPU µs a sentence": Spread.of(each),
            "first event p50 ms": Spread.of(median(first) for first in firsts),
            "p99": Spread.of(quantiles(first, n=100)[-1] for first in firsts),
        },
    )
    yield Target("2 twelve sentences together", "CPU of each, event included", median(each), 60, " µs", least=False)


def _first_events(server: Server) -> list[float]:
    """Milliseconds from a request's last byte to the first sentence's event."""
    body = json.dumps({"text": MAIL, "task": "spam"}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAccept: {NDJSON}\r\nContent-Type: application/json\r\n"
    took = []
    for _ in range(FIRSTS):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(f"{head}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            began, seen = time.perf_counter(), b""
            while b'{"event":"sentence"' not in seen:
                if not (more := connection.recv(65536)):
                    raise RuntimeError(f"a stream ended without an event: {seen[:300]!r}")
                seen += more
            took.append(1e3 * (time.perf_counter() - began))
            while connection.recv(65536):
                pass
    return took


def _depths(bench: Bench, undertone: Server, rereading: Server) -> Iterator[Line | Target]:
    row = "2 /v1/stream, one sentence more of a session, Redis included"
    servers = [undertone, rereading]
    ours = {f"at sentence {depth:,}": partial(_session, undertone, servers, depth) for depth in DEPTHS}
    theirs = {f"re-reading, at {depth:,}": partial(_reread, rereading, servers, depth) for depth in DEPTHS}
    wrong = {
        f"at sentence {depth:,}": off for depth in DEPTHS if (off := _difference(undertone, rereading, depth)) > NEAR
    }
    right = {name: work for name, work in ours.items() if name not in wrong}
    costs = in_turn({**right, **theirs}, bench.rounds)
    first = costs[f"at sentence {DEPTHS[0]:,}"]
    for name in (*ours, *theirs):
        if name in wrong:
            yield Line(row, name, {}, f"differs by {wrong[name]:.1e} from the whole text read at once")
            continue
        yield Line(
            row,
            name,
            {
                "CPU µs": Spread.of(cost.cpu for cost in costs[name]),
                "µs": Spread.of(cost.wall for cost in costs[name]),
                "of sentence 1": Spread.of(a.cpu / b.cpu for a, b in zip(costs[name], first, strict=True)),
            },
            ours=name in ours,
        )
    last = f"at sentence {DEPTHS[-1]:,}"
    if last in costs:
        got = median(a.cpu / b.cpu for a, b in zip(costs[last], first, strict=True))
        yield Target("2 a session", f"CPU {last} beside sentence 1", got, 1.05, " x", least=False)


def _session(server: Server, servers: list[Server], depth: int) -> Cost:
    """Of sentences from `depth` on, in a new session that holds those before."""
    with server.alone(servers):
        client, session = Client(server), os.urandom(8).hex()
        asked = {"task": "spam", "session_id": session}
        if depth > 1:
            client.post("/v1/predict", {"text": conversation(depth - 1), **asked})
        client.post(PATH, {"text": SENTENCES[0], **asked})  # the first of all makes the session, which the others find
        cpu, began = server.cpu(), time.perf_counter()
        for step in range(depth, depth + STEPS):
            client.post(PATH, {"text": SENTENCES[step % len(SENTENCES)], "step": step, **asked}, NDJSON)
        return Cost(1e6 * (server.cpu() - cpu) / STEPS, 1e6 * (time.perf_counter() - began) / STEPS)


def _reread(server: Server, servers: list[Server], depth: int) -> Cost:
    number = max(1, min(STEPS, REREAD // depth))
    with server.alone(servers):
        client, text = Client(server), conversation(depth)
        cpu, began = server.cpu(), time.perf_counter()
        for _ in range(number):
            client.post(REREADING.path, {"text": text})
        return Cost(1e6 * (server.cpu() - cpu) / number, 1e6 * (time.perf_counter() - began) / number)


def _difference(undertone: Server, rereading: Server, depth: int) -> float:
    """Between the probability after a session's sentence, and that of the whole text, read at once."""
    asked = {"task": "spam", "session_id": os.urandom(8).hex()}
    client = Client(undertone)
    if depth > 1:
        client.post("/v1/predict", {"text": conversation(depth - 1), **asked})
    text = SENTENCES[(depth - 1) % len(SENTENCES)]
    done = json.loads(client.post(PATH, {"text": text, **asked}, NDJSON).splitlines()[-1])
    whole = json.loads(Client(rereading).post(REREADING.path, {"text": conversation(depth)}))
    return abs(float(done["probability"]) - float(whole["probability"]))
