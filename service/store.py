"""Sessions in Redis: every key name, lifetime and script is here.

    (tenant, task, id) --name--> GET --open--> Record     compare-and-set of the version --> SET with a TTL

One key a session, one round trip to read and one to write. A write that lost a race changes nothing and
brings back what it lost against, so that to try again costs one round trip more, not two.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from redis import exceptions as faults
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from models.errors import UndertoneError
from service import phases
from service.breaker import Breaker, Kind
from service.envelope import VERSION, Envelope
from service.errors import Conflict, StoreUnavailable
from service.metrics.exposition import Health
from service.metrics.metrics import Operation
from service.record import Record
from service.settings import Settings

if TYPE_CHECKING:
    from service.metrics import Metrics

logger = logging.getLogger(__name__)

T = TypeVar("T")
PREFIX: Final = "undertone"
CONNECTIONS: Final = 16
"""Of one worker; who finds none free waits for one."""
AT_ONCE: Final = 500
"""Keys that one SCAN looks at: about a millisecond of Redis' time."""
HEALTH_SECONDS: Final = 0.2
"""How long a scrape waits for Redis: it has other things to say."""
KINDS: Final[dict[Operation, Kind]] = {
    "read": "read",
    "scan": "read",
    "write": "write",
    "delete": "write",
    "probe": "write",
}
"""What the circuit counts an operation as."""
PROBE_MS: Final = 1000
"""Life of the key that a probe writes."""
FAULTS: Final[dict[str, tuple[type[Exception], ...]]] = {
    "timeout": (TimeoutError, faults.TimeoutError),
    "credentials": (faults.AuthenticationError, faults.AuthorizationError, faults.NoPermissionError),
    "read_only": (faults.ReadOnlyError,),
    "out_of_memory": (faults.OutOfMemoryError,),
    "connection": (faults.ConnectionError, OSError, faults.RedisClusterException, faults.ClusterError),
    "other": (Exception,),
}
"""What can be wrong with Redis, the first that fits."""
# KEYS[1]: the value and its life in ms, of one moment and in one round trip.
READ: Final = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}"
# KEYS[1]; ARGV: the version that was read (empty: there was none), the new value, its life in ms.
COMPARE_AND_SET: Final = f"""
local old = redis.call('GET', KEYS[1])
if string.sub(old or '', 1, {VERSION}) ~= ARGV[1] then return old end
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

    @classmethod
    def of(cls, key: bytes) -> Name:
        return cls(*key.decode().split(":")[1:])


class Stored(NamedTuple):
    """What was read, the version that a write has to find unchanged (empty: nothing was there), and the seconds that
    it has to live."""

    record: Record | None
    version: bytes
    alive: float


@dataclass
class Patience:
    """The seconds that one request waits for Redis, all its questions together; each takes what it took. A write that
    has lost a race was answered: what tries again has a patience of its own."""

    seconds: float


class LostRace(UndertoneError):
    """Another request wrote the session `name` first, and left `stored`; never leaves this package."""

    status, code = Conflict.status, Conflict.code

    def __init__(self, name: Name, stored: Stored) -> None:
        super().__init__("another request wrote this session at the same time: send this one again", field="session_id")
        self.name = name
        self.stored = stored


class Store:
    """Reads and writes sessions; every fault of Redis is StoreUnavailable, and after some of them at once."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.ttl = settings.session_ttl
        self._timeout = settings.redis_timeout
        self._envelope = Envelope(settings.state_keys) if settings.state_keys else None
        self._redis = _client(settings)
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._metrics = metrics
        self._breaker = Breaker(lambda: self._bounded("probe", self._touch, self.patience()), metrics.store_given_up)

    @property
    def envelope(self) -> Envelope:
        if self._envelope is None:
            raise StoreUnavailable("this service has no store for sessions: set REDIS_URL and UNDERTONE_STATE_KEY")
        return self._envelope

    def patience(self) -> Patience:
        """That of a request that begins now."""
        return Patience(self._timeout)

    async def load(self, name: Name, patience: Patience | None = None) -> Stored:
        """What is stored under `name`; raises StateUnreadable where it does not open."""
        self.envelope  # noqa: B018 - raises where there is none
        sealed, alive = await self._ask("read", lambda: self._redis.eval(READ, 1, name.key), patience)
        return self._opened(name, sealed, alive / 1000)

    async def save(self, name: Name, record: Record, version: bytes, patience: Patience | None = None) -> bytes:
        """Writes if `version` still stands there: the new version; raises LostRace where another was faster."""
        sealed = self.envelope.seal(name.key, record.pack())
        arguments: tuple[Any, ...] = (name.key, version, sealed, self.ttl * 1000)
        # The script itself, not its digest, which a Redis that was restarted does not know: it would be asked twice.
        found = await self._ask("write", lambda: self._redis.eval(COMPARE_AND_SET, 1, *arguments), patience)
        if found == 1:
            self._metrics.stored(name.task, len(sealed))
            return sealed[:VERSION]
        # Whoever was faster has written since this was read, so it lives about as long as if this had been written.
        raise LostRace(name, self._opened(name, found, self.ttl))

    async def delete(self, names: Sequence[Name]) -> list[Name]:
        """Those of the names that were there."""
        return await self._ask("delete", lambda: self._unlink(names))

    async def erase(self, tenant: str) -> AsyncGenerator[list[Name]]:
        """Deletes all sessions of a tenant, of every task, some at a time; what is written meanwhile may stay."""
        for node in await self._nodes():
            cursor = None
            while cursor != 0:
                cursor, found = await self._scan(cursor or 0, f"{PREFIX}:{tenant}:*", node)
                if found:
                    yield await self.delete([Name.of(key) for key in found])

    async def health(self) -> Health | None:
        """What Redis says of itself, soon; None where it does not answer, which is counted nowhere."""
        if self._envelope is None:
            return None
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                return await self._info()
        except faults.ResponseError:
            return Health()  # it answers, and does not let this user ask
        except (TimeoutError, OSError, faults.RedisError):
            return None

    def connections(self) -> tuple[int, int]:
        """Connections of the pool that are used now, and that are not."""
        if isinstance(self._redis, RedisCluster):
            nodes = self._redis.get_nodes()
            idle = sum(len(node._free) for node in nodes)
            return sum(len(node._connections) for node in nodes) - idle, idle
        (idle, _), (used, _) = self._redis.connection_pool.get_connection_count()
        return used, idle

    async def ping(self) -> None:
        """Raises StoreUnavailable where Redis takes no write."""
        self.envelope  # noqa: B018 - raises where there is none
        await self._ask("probe", self._touch)

    async def close(self) -> None:
        await self._breaker.close()
        await self._redis.aclose()

    def _opened(self, name: Name, sealed: bytes | None, alive: float) -> Stored:
        if sealed is None:
            return Stored(None, b"", 0.0)
        return Stored(Record.unpack(self.envelope.open(name.key, sealed)), sealed[:VERSION], alive)

    async def _nodes(self) -> list[dict[str, Any]]:
        """What SCAN has to be told in turn: in a cluster every node knows only its own keys."""
        if not isinstance(self._redis, RedisCluster):
            return [{}]
        await self._ask("read", self._redis.initialize)
        return [{"target_nodes": node} for node in self._redis.get_primaries()]

    async def _scan(self, cursor: int, match: str, node: dict[str, Any]) -> tuple[int, list[bytes]]:
        after, found = await self._ask("scan", lambda: self._redis.scan(cursor, match=match, count=AT_ONCE, **node))
        return (next(iter(after.values())) if isinstance(after, dict) else after), found

    async def _unlink(self, names: Sequence[Name]) -> list[Name]:
        """A pipeline, not one command: in a cluster the keys belong to several nodes."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.execute_command("UNLINK", name.key)
            return [name for name, gone in zip(names, await pipe.execute(), strict=True) if gone]

    async def _info(self) -> Health:
        cluster = isinstance(self._redis, RedisCluster)
        said = await self._redis.info(**({"target_nodes": RedisCluster.PRIMARIES} if cluster else {}))
        nodes = list(said.values()) if cluster else [said]
        database = "db0" if cluster else f"db{self._redis.connection_pool.connection_kwargs.get('db', 0)}"
        return Health(
            keys=sum(node.get(database, {}).get("keys", 0) for node in nodes),
            expired_keys=sum(node["expired_keys"] for node in nodes),
            evicted_keys=sum(node["evicted_keys"] for node in nodes),
            memory_bytes=sum(node["used_memory"] for node in nodes),
            memory_limit_bytes=sum(node["maxmemory"] for node in nodes),
        )

    async def _touch(self) -> None:
        # Another name each time: in a cluster it should not be one node that speaks for all; and no tenant has none.
        await self._redis.set(f"{PREFIX}::probe:{secrets.token_hex(1)}", b"", px=PROBE_MS)

    async def _ask(
        self, operation: Operation, question: Callable[[], Awaitable[T]], patience: Patience | None = None
    ) -> T:
        self._breaker.admit()
        got = await self._bounded(operation, question, patience or self.patience())
        self._breaker.succeeded(KINDS[operation])
        return got

    async def _bounded(self, operation: Operation, question: Callable[[], Awaitable[T]], patience: Patience) -> T:
        began = perf_counter()
        kind = KINDS[operation]
        try:
            async with asyncio.timeout(patience.seconds), self._free:
                got = await question()
        except Exception as error:
            reason = next(name for name, kinds in FAULTS.items() if isinstance(error, kinds))
            if not isinstance(error, TimeoutError | OSError | faults.RedisError):
                # No fault that its client knows of, but one of the store all the same.
                logger.exception("the client of Redis broke")
            self._metrics.store_failed(reason)
            self._breaker.failed(kind, reason)
            refused = kind == "read" or isinstance(error, faults.ResponseError)
            stored = "nothing was stored" if refused else "whether this was stored is not known"
            raise StoreUnavailable(
                f"the session store did not answer, and {stored}: try again with the same step, or send the whole text "
                "without session_id"
            ) from None
        finally:
            ended = perf_counter()
            patience.seconds -= ended - began
            phases.spent("redis", began, ended)
        self._metrics.asked_redis(operation, ended - began)
        return got


def _client(settings: Settings) -> Any:
    """redis-py's asyncio client, for one server or for a cluster; their stubs have no common type."""
    options: dict[str, Any] = {
        # More than are used at once: one that was given up is still being closed when the next is opened.
        "max_connections": 2 * CONNECTIONS,
        # No timer of its own for each read and write: `_bounded` has one for all of a question.
        "socket_timeout": None,
        "socket_connect_timeout": settings.redis_timeout,
        # A write whose answer was lost would, sent again, find itself there and seem to have lost a race.
        "retry": Retry(NoBackoff(), 0),
    }
    url = settings.redis_url or "redis://localhost"
    return RedisCluster.from_url(url, **options) if settings.redis_cluster else Redis.from_url(url, **options)
