"""Sessions in a real Valkey: nothing is lost, nothing can be read, and no fault of it is more than a 503."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from service.embedded import EmbeddedRedis
from service.errors import StateUnreadable, StoreUnavailable
from service.guard import ROUTES
from service.metrics import Metrics
from service.record import Mark, Record
from service.settings import Settings
from service.store import CONNECTIONS, LostRace, Name, Store, Stored
from tests.service.live import KEY, gathered
from tests.waiting import PATIENCE

NAME: Final = Name("anna", "spam", "one")
STATE: Final = b"the cat sat on the film"


def record(step: int = 1) -> Record:
    return Record(f"sha256:{'ab' * 32}", Mark(step, STATE, 1, 0), Mark(), bytes(32))


@pytest.fixture
def settings(valkey: EmbeddedRedis) -> Settings:
    return Settings(redis_url=valkey.url, redis_timeout=5, state_keys=(KEY,))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    store = Store(settings, Metrics(ROUTES))
    try:
        yield store
    finally:
        await store.close()


def test_what_was_saved_is_loaded(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store:
            assert (await store.load(NAME))[:2] == (None, b"")
            version = await store.save(NAME, record(), b"")
            assert (await store.load(NAME))[:2] == (record(), version)

    asyncio.run(main())
    assert keys.keys() == [b"undertone:anna:spam:one"]


async def loses(store: Store, version: bytes) -> Stored:
    """What a write brings back that has not read the latest version."""
    with pytest.raises(LostRace) as lost:
        await store.save(NAME, record(7), version)
    assert lost.value.name == NAME
    return lost.value.stored


def test_a_write_that_has_not_read_the_latest_version_changes_nothing(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store:
            first = await store.save(NAME, record(1), b"")
            assert (await loses(store, b""))[:2] == (record(1), first)
            second = await store.save(NAME, record(2), first)
            assert (await loses(store, first))[:2] == (record(2), second)
            assert (await store.load(NAME))[:2] == (record(2), second)
            await store.delete([NAME])
            assert (await loses(store, second))[:2] == (None, b"")
            assert keys.keys() == []

    asyncio.run(main())


def test_writers_at_once_lose_nothing(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store, opened(settings) as other:

            async def write(store: Store) -> None:
                held, version, _ = await store.load(NAME)
                while True:
                    try:
                        await store.save(NAME, record(held.now.step + 1 if held else 1), version)
                        break
                    except LostRace as lost:
                        held, version, _ = lost.stored

            await asyncio.gather(*(write(store if i % 2 else other) for i in range(20)))
            held = (await store.load(NAME)).record
            assert held is not None
            assert held.now.step == 20

    asyncio.run(main())


def test_every_write_sets_the_time_to_live_again(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(replace(settings, session_ttl=1000)) as store:
            version = b""
            for step in range(3):
                version = await store.save(NAME, record(step), version)
                assert 900_000 < keys.pttl(NAME.key) <= 1_000_000
                assert 900 < (await store.load(NAME)).alive <= 1000
                keys.pexpire(NAME.key, 60_000)
            assert (await store.load(NAME._replace(id="none"))).alive == 0

    asyncio.run(main())


def test_the_value_shows_nothing_and_any_change_of_it_is_noticed(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store:
            await store.save(NAME, record(), b"")
            sealed = keys.get(NAME.key)
            assert isinstance(sealed, bytes)
            assert STATE not in sealed
            assert b"cat" not in sealed
            for at in range(len(sealed)):
                keys.set(NAME.key, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
                with pytest.raises(StateUnreadable):
                    await store.load(NAME)
            for other in (NAME._replace(tenant="bert"), NAME._replace(task="sentiment"), NAME._replace(id="two")):
                keys.set(other.key, sealed)
                with pytest.raises(StateUnreadable):
                    await store.load(other)

    asyncio.run(main())


def test_a_probe_is_in_no_tenants_way(settings: Settings, keys: redis.Redis) -> None:
    mine = Name("probe", "spam", "one")

    async def main() -> None:
        async with opened(settings) as store:
            await store.save(mine, record(), b"")
            await store.ping()
            assert len(keys.keys("undertone:*")) == 2, "the probe's own key is there"
            assert [names async for names in store.erase("probe")] == [[mine]]

    asyncio.run(main())


def test_more_callers_than_connections_wait_for_one(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store:
            await store.save(NAME, record(), b"")
            others = len(keys.client_list()) - 1
            loaded = await asyncio.gather(*(store.load(NAME) for _ in range(20 * CONNECTIONS)))
            assert all(stored.record == record() for stored in loaded)
            assert len(keys.client_list()) - others <= CONNECTIONS

    asyncio.run(main())


def test_connections_that_were_closed_meanwhile_are_opened_again(settings: Settings, keys: redis.Redis) -> None:
    async def main() -> None:
        async with opened(settings) as store:
            await asyncio.gather(*(store.ping() for _ in range(5)))
            assert keys.client_kill_filter(_type="normal", skipme=True) > 0
            async with asyncio.timeout(PATIENCE):
                while len(keys.client_list()) > 1 or not all_ended(store):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
            await store.save(NAME, record(), b"")
            assert (await store.load(NAME)).record == record()

    asyncio.run(main())


def all_ended(store: Store) -> bool:
    """Whether the end of every idle connection has reached this side."""
    idle = store._redis.connection_pool._available_connections
    return all(connection._reader is None or connection._reader.at_eof() for connection in idle)


def test_without_a_state_key_there_is_no_store() -> None:
    async def main() -> None:
        async with opened(Settings()) as store:
            for asked in (store.load(NAME), store.save(NAME, record(), b""), store.ping()):
                with pytest.raises(StoreUnavailable, match="UNDERTONE_STATE_KEY"):
                    await asked

    asyncio.run(main())


def test_a_client_that_breaks_is_a_fault_of_the_store_and_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(*_: object) -> None:
        raise IndexError("pop from an empty deque")

    async def main() -> None:
        async with opened(settings) as store:
            monkeypatch.setattr(store._redis, "eval", breaks)
            with pytest.raises(StoreUnavailable):
                await store.load(NAME)

    asyncio.run(main())
    (said,) = caplog.records
    assert said.exc_info is not None
    assert said.exc_info[0] is IndexError


def test_a_redis_that_is_not_there_is_unavailable(settings: Settings, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(replace(settings, redis_url=f"unix://{tmp_path}/none.sock")) as store:
            for asked in (store.load(NAME), store.save(NAME, record(), b""), store.delete([NAME]), store.ping()):
                with pytest.raises(StoreUnavailable) as refused:
                    await asked
                assert str(tmp_path) not in refused.value.message
                assert "Error" not in refused.value.message

    asyncio.run(main())


@dataclass
class Between:
    """Stands between a client and the real server: can hold its answers back, for a while (`late`, seconds) or until
    they are released, or hold one and cut the connection; `first` is shown each question before the server is."""

    server: Path
    socket: Path
    silent: bool = False
    late: float = 0.0
    cut: bool = False
    first: Callable[[bytes], object] = bytes
    heard: list[bytes] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[Any] = field(default_factory=set)
    """Tasks, which asyncio itself does not keep alive once their clients have gone."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        listening = await asyncio.start_unix_server(self._serve, self.socket)
        async with listening:
            yield f"unix://{self.socket}"
            self.released.set()
            if self.serving:
                await asyncio.wait(self.serving, timeout=PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        answers, questions = await asyncio.open_unix_connection(self.server)

        async def ask() -> None:
            while data := await reader.read(65536):
                self.heard.append(data)
                self.first(data)
                questions.write(data)
            questions.close()

        asking = asyncio.create_task(ask())
        while data := await answers.read(65536):
            if self.cut:
                self.cut = False
                break
            if self.silent:
                await self.released.wait()
            await asyncio.sleep(self.late)
            writer.write(data)
        writer.close()
        questions.close()
        await gathered(asking, writer.wait_closed(), questions.wait_closed())


def test_a_redis_that_hangs_is_unavailable_in_time_and_its_late_answer_is_nobody_elses(
    settings: Settings, valkey: EmbeddedRedis, keys: redis.Redis, tmp_path: Path
) -> None:
    async def main() -> None:
        between = Between(valkey.socket, tmp_path / "between.sock")
        async with between.running() as url, opened(replace(settings, redis_url=url, redis_timeout=3)) as store:
            version = await store.save(NAME, record(1), b"")
            between.silent = True
            began = time.monotonic()
            results = await gathered(*(store.load(NAME) for _ in range(3 * CONNECTIONS)))
            assert all(isinstance(result, StoreUnavailable) for result in results)
            assert 2.9 < time.monotonic() - began < PATIENCE
            between.silent = False
            between.released.set()
            async with asyncio.timeout(PATIENCE):
                while store._breaker.open:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.01)
            for i in range(2 * CONNECTIONS):
                assert (await store.load(NAME._replace(id=f"other-{i}")))[:2] == (None, b"")
                assert (await store.load(NAME))[:2] == (record(1), version)

    asyncio.run(main())


def test_a_write_whose_answer_was_lost_is_not_sent_again(
    settings: Settings, valkey: EmbeddedRedis, keys: redis.Redis, tmp_path: Path
) -> None:
    """Sent again it would find itself there, seem to have lost a race, and be counted twice."""

    async def main() -> None:
        between = Between(valkey.socket, tmp_path / "between.sock")
        async with between.running() as url, opened(replace(settings, redis_url=url)) as store:
            version = await store.save(NAME, record(1), b"")
            between.cut = True
            between.heard.clear()
            with pytest.raises(StoreUnavailable):
                await store.save(NAME, record(2), version)
            assert b"".join(between.heard).count(b"EVAL") == 1
            stored = await store.load(NAME)
            assert stored.record == record(2)

    asyncio.run(main())
