"""Row 1: /v1/predict of an SMS and of a mail, beside the bare server and others with the same model.

the same text --wrk, 16 connections, each server in turn--> requests/s of its core, p50, p99, CPU µs
some hundred texts --all servers--> the same probabilities? else it is wrong, and not fast
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any, Final

from benchmarks.contest import NEAR, UNDERTONE, Bench, Client, Peer, Sample, figures, loaded
from benchmarks.load import bodies
from benchmarks.rounds import in_turn
from benchmarks.server import Server
from benchmarks.table import Line, Spread, Target
from benchmarks.texts import MAIL, SMS, some

COMPARED: Final = 300
UVICORN: Final = ("-m", "uvicorn", "--port", "{port}", "--no-access-log", "--loop", "uvloop", "--http", "httptools")
PEERS: Final = {
    "BentoML as it comes": Peer(
        ("-m", "bentoml", "serve", "benchmarks.peers.plain:Plain", "--port", "{port}"), "/predict"
    ),
    "LitServe": Peer(("-m", "benchmarks.peers.lit", "{port}"), "/predict", "/health"),
    "Mosec": Peer(("-m", "benchmarks.peers.rust", "--address", "127.0.0.1", "--port", "{port}"), "/inference", "/"),
}
ROW: Final = "1 an SMS"
LINES: Final = {"sms": "1 /v1/predict, an SMS", "mail": "1 /v1/predict, a mail of twelve sentences"}
CEILING: Final = "Starlette, same bytes"


def rows(bench: Bench) -> Iterator[Line | Target]:
    with bench.running(UNDERTONE, *PEERS.values()) as (undertone, *others):
        asked = dict(zip(PEERS, others, strict=True))
        wrong = {name: _wrong(undertone, server, PEERS[name].path) for name, server in asked.items()}
        answers = bench.folder / "answers"
        answers.mkdir(exist_ok=True)
        for name, text in {"sms": SMS, "mail": MAIL}.items():
            (answers / name).write_bytes(Client(undertone).post("/v1/predict", {"text": text, "task": "spam"}))
        bare = Peer((*UVICORN, "benchmarks.peers.bare:app"), "/sms")
        with bench.running(bare, ANSWERS=str(answers)) as (ceiling,):
            for name, text in {"sms": SMS, "mail": MAIL}.items():
                at = {"Undertone": (undertone, "/v1/predict"), CEILING: (ceiling, f"/{name}")}
                at |= {peer: (server, PEERS[peer].path) for peer, server in asked.items()}
                right = {peer: where for peer, where in at.items() if not wrong.get(peer)}
                for peer in at.keys() - right.keys():
                    yield Line(LINES[name], peer, {}, wrong[peer], ours=False)
                yield from _row(bench, LINES[name], text, right)


def _row(bench: Bench, row: str, text: str, at: dict[str, tuple[Server, str]]) -> Iterator[Line | Target]:
    servers = [server for server, _ in at.values()]
    native = bodies(bench.folder / "native.jsonl", [{"text": text, "task": "spam"}])
    plain = bodies(bench.folder / "plain.jsonl", [{"text": text}])

    def work(name: str) -> Sample:
        server, path = at[name]
        with server.alone(servers):
            return loaded(server, path, native if path == "/v1/predict" else plain, bench.seconds)

    samples = in_turn({name: partial(work, name) for name in at}, bench.rounds)
    for name, of_it in samples.items():
        beside = Spread.of(_ratios(of_it, samples[CEILING]))
        yield Line(row, name, {**figures(of_it), "of the ceiling": beside}, ours=name == "Undertone")
    top = Spread.of(sample.load.ceiling for sample in samples[CEILING])
    if text == SMS:
        yield Line("1 what wrk could ask for, were its core full", "wrk", {"requests/s": top}, ours=False)
        yield from _targets(samples)


def _targets(samples: dict[str, list[Sample]]) -> Iterator[Target]:
    ours = samples["Undertone"]
    yield Target(ROW, "of the ceiling's requests/s", median(_ratios(ours, samples[CEILING])), 0.4, "", least=True)
    yield Target(ROW, "p99 over p50", median(s.load.p99_ms / s.load.p50_ms for s in ours), 4, " x", least=False)
    for name, wanted in {"BentoML as it comes": 5.0, "LitServe": 1.0}.items():
        if name in samples:
            got = median(_ratios(ours, samples[name]))
            yield Target(ROW, f"requests/s beside {name}", got, wanted, " x", least=True)


def _ratios(ours: list[Sample], others: list[Sample]) -> list[float]:
    """Of requests/s, in the same round."""
    return [a.load.rate / b.load.rate for a, b in zip(ours, others, strict=True)]


def _wrong(undertone: Server, other: Server, path: str) -> str:
    """In what its probabilities are others, if they are."""
    here, there = Client(undertone), Client(other)
    far = 0.0
    for text in some(COMPARED):
        said: dict[str, Any] = json.loads(here.post("/v1/predict", {"text": text, "task": "spam"}))
        ours = [sentence["probability"] for sentence in said["sentences"]]
        theirs: list[float] = json.loads(there.post(path, {"text": text}))["sentences"]
        if len(ours) != len(theirs):
            return f"finds {len(theirs)} sentences where there are {len(ours)}"
        far = max(far, *(abs(a - b) for a, b in zip(ours, theirs, strict=True)))
    return f"differs by {far:.1e}" if far > NEAR else ""
