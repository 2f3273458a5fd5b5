"""A service with two workers and a Redis of its own, for all tests of this folder."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

import pytest
import redis

from service.embedded import EmbeddedRedis
from tests.e2e.server import Service


@pytest.fixture(scope="session")
def external() -> Iterator[dict[str, str]]:
    """The environment of a service whose Redis is not its own."""
    server = EmbeddedRedis()
    yield {
        "REDIS_URL": server.url,
        "UNDERTONE_STATE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        # What is slow on a busy machine is not what is tested.
        "UNDERTONE_REDIS_TIMEOUT": "10",
        "UNDERTONE_TIMEOUT": "120",
    }
    server.stop()


@pytest.fixture
def keys(external: dict[str, str]) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(external["REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="session")
def service(external: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    with Service(folder, {**external, "UNDERTONE_WORKERS": "2"}) as running:
        yield running
