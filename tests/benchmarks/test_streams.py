"""Streams are measured over every transport, and a case that misses its promise is not called kept."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from benchmarks import streams
from benchmarks.contest import ENVIRONMENT
from benchmarks.server import Server

WARM = 1


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(min(os.sched_getaffinity(0)), ENVIRONMENT) as running:
        yield running


@pytest.mark.parametrize("name", streams.CASES)
def test_every_sentence_that_counts_is_in_the_line_of_its_case(
    server: Server, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "OPENING", 0)
    monkeypatch.setattr(streams, "WARM", WARM)
    # How fast this machine is now is no question of a test.
    promised = 0.0 if name == "WebSocket" else 1000 * streams.PATIENCE
    monkeypatch.setattr(streams, "PROMISED_MS", promised)
    assert streams.kept(name, server, 3, WARM + 2) is (promised > 0)
    line = capsys.readouterr().out
    assert line.endswith(" ms\n" if promised else " ms   NOT under 0 ms\n")
    events, p50, p95, p99, most, worker, *_ = line.removeprefix(name).split()
    assert int(events) == 3 * 2
    assert 0 < float(p50) <= float(p95) <= float(p99) <= float(most)
    assert 0 <= float(worker.rstrip("%")) <= 100
