"""Redis, the service and Prometheus on this machine, without Docker.

stage(folder) --start--> Stage(redis, service, prometheus), scraped twice --end--> nothing left
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.e2e.redis_server import RedisServer
from tests.e2e.server import Service
from tests.ops.prometheus import Prometheus


class Stage(NamedTuple):
    redis: RedisServer
    service: Service
    prometheus: Prometheus


@contextlib.contextmanager
def stage(folder: Path, interval: int = 1, port: int | None = None) -> Iterator[Stage]:
    """Two workers, a Redis with a limit to its memory, a scrape every `interval` seconds; `port`: Prometheus'."""
    for name in ("redis", "service", "prometheus"):
        (folder / name).mkdir()
    with contextlib.ExitStack() as ending:
        redis = RedisServer(folder / "redis", maxmemory="64mb", maxmemory_policy="volatile-lru")
        ending.callback(redis.stop)
        environment = {
            "REDIS_URL": redis.url,
            "UNDERTONE_STATE_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "UNDERTONE_WORKERS": "2",
            "UNDERTONE_MODELS": "spam-gru,sentiment-gru",
            "UNDERTONE_REDIS_TIMEOUT": "5",  # on a busy machine, too
        }
        service = ending.enter_context(Service(folder / "service", environment))
        targets = {"undertone": f"127.0.0.1:{service.port}"}
        prometheus = ending.enter_context(Prometheus(folder / "prometheus", targets, interval, port))
        prometheus.until('sum_over_time(up{job="undertone"}[1m]) >= 2')
        yield Stage(redis, service, prometheus)
