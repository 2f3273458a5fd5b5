"""One Valkey and one set of small models for all tests of the service, and a server for those that need a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import torch

from service.embedded import EmbeddedRedis
from tests.service.live import CARD, Bench, Live, artefact


@pytest.fixture(scope="package", autouse=True)
def one_thread() -> Iterator[None]:
    """catalogue.load() sets torch's number of threads, which outlives it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Saved models; the first of a task is its default."""
    root = tmp_path_factory.mktemp("artefacts")
    names = [(task, family) for family in ("gru", "conv1d") for task in ("spam", "sentiment")]
    for task, family in names:
        artefact(task, family).save(root / f"{task}-{family}")
    (root / "spam-gru" / "CARD.md").write_text(CARD, "utf-8")
    return [root / f"{task}-{family}" for task, family in names]


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis()
    yield server
    server.stop()


@pytest.fixture
def keys(valkey: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A client of an empty database."""
    with redis.Redis(unix_socket_path=str(valkey.socket)) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def bench(folders: list[Path], valkey: EmbeddedRedis) -> Iterator[Bench]:
    bench = Bench(folders, valkey.url)
    yield bench
    bench.catalogue.close()


@pytest.fixture(scope="package")
def live(bench: Bench) -> Iterator[Live]:
    """No longer than these tests: it logs to the standard output of this process, which later ones look at."""
    models = bench.load()
    live = Live(bench.serving(models))
    yield live
    live.close()
    models.close()
