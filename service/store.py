"""Sessions in Redis: every key name, lifetime and script is here.

    (tenant, task, id) --name--> GET --open--> Record     compare-and-set of the version --> SET with a TTL

One key a session, one round trip to read and one to write; a write that lost a race changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Final, NamedTuple, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service.envelope import VERSION, Envelope
from service.errors import StoreUnavailable
from service.record import Record
from service.settings import Settings

logger = logging.getLogger(__name__)

T = TypeVar("T")
PREFIX: Final = "undertone"
CONNECTIONS: Final = 16
"""Of one worker; who finds none free waits for one."""
# KEYS[1]; ARGV: the version that was read (empty: there was none), the new value, its life in ms.
COMPARE_AND_SET: Final = """
local old = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] > 0 and #ARGV[1] - 1 or 0)
if old ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""


class Name(NamedTuple):
    """Whose session it is. Every part matches `[A-Za-z0-9_.~-]{1,128}`, so no part can hold a colon."""

    tenant: str
    task: str
    id: str

    @property
    def key(self) -> str:
        """No braces: in a Redis Cluster they would be a hash tag."""
        return f"{PREFIX}:{self.tenant}:{self.task}:{self.id}"


class Stored(NamedTuple):
    """What was read, and the version that a write has to find unchanged (empty: nothing was there)."""

    record: Record | None
    version: bytes


class Store:
    """Reads and writes sessions; every fault of Redis is StoreUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self.ttl = settings.session_ttl
        self._timeout = settings.redis_timeout
        self._envelope = Envelope(settings.state_keys) if settings.state_keys else None
        pool = BlockingConnectionPool.from_url(
            settings.redis_url or "redis://localhost",
            max_connections=CONNECTIONS,
            timeout=settings.redis_timeout,
            socket_timeout=settings.redis_timeout,
            socket_connect_timeout=settings.redis_timeout,
            # A write whose answer was lost would, sent again, find itself there and seem to have lost a race.
            retry=Retry(NoBackoff(), 0),
        )
        self._redis = Redis.from_pool(pool)
        self._compare_and_set = self._redis.register_script(COMPARE_AND_SET)

    @property
    def envelope(self) -> Envelope:
        if self._envelope is None:
            raise StoreUnavailable("this service has no store for sessions: set REDIS_URL and UNDERTONE_STATE_KEY")
        return self._envelope

    async def load(self, name: Name) -> Stored:
        """What is stored under `name`; raises StateUnreadable where it does not open."""
        envelope = self.envelope
        sealed = cast(bytes | None, await self._ask(self._redis.get(name.key)))
        if sealed is None:
            return Stored(None, b"")
        return Stored(Record.unpack(envelope.open(name.key, sealed)), sealed[:VERSION])

    async def save(self, name: Name, record: Record, version: bytes) -> bytes | None:
        """Writes if `version` still stands there: the new version, or None where another was faster."""
        sealed = self.envelope.seal(name.key, record.pack())
        done = await self._ask(
            self._compare_and_set(keys=[name.key], args=[version, sealed, self.ttl * 1000]),
        )
        return sealed[:VERSION] if done else None

    async def remaining(self, name: Name) -> float:
        """Seconds until the session expires."""
        return max(0.0, await self._ask(self._redis.pttl(name.key)) / 1000)

    async def delete(self, names: list[Name]) -> None:
        for name in names:
            await self._ask(self._redis.delete(name.key))

    async def ping(self) -> None:
        """Raises StoreUnavailable where Redis does not answer."""
        self.envelope  # noqa: B018 - raises where there is none
        await self._ask(self._redis.ping())

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._timeout):
                return await answer
        except (RedisError, OSError, TimeoutError) as error:
            logger.warning("Redis did not answer: %s", type(error).__name__)
            raise StoreUnavailable(
                "the session store did not answer: try again with the same step, or send the whole text without "
                "session_id"
            ) from None
