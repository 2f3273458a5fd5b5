"""The circuit in front of Redis: it opens, costs nothing, and closes by itself."""

from __future__ import annotations

import asyncio

import pytest

from service import breaker
from service.breaker import FAILURES, Breaker
from service.errors import StoreUnavailable


class Away:
    """A store that comes back after so many probes."""

    def __init__(self, probes: int) -> None:
        self.probes = probes
        self.told: list[bool] = []

    async def probe(self) -> None:
        self.probes -= 1
        if self.probes >= 0:
            raise StoreUnavailable("still away")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 0.01)


def test_it_opens_after_failures_in_a_row_and_closes_when_a_probe_gets_through() -> None:
    async def main() -> None:
        away = Away(3)
        circuit = Breaker(away.probe, away.told.append)
        for _ in range(FAILURES - 1):
            circuit.failed("read", "timeout")
        circuit.succeeded("read")
        for _ in range(FAILURES - 1):
            circuit.failed("read", "timeout")
            circuit.admit()
        circuit.failed("read", "timeout")
        circuit.failed("read", "timeout")  # one that was under way
        assert circuit.open
        assert away.told == [True]
        with pytest.raises(StoreUnavailable, match="nothing was stored") as refused:
            circuit.admit()
        assert refused.value.retry_after >= 1
        async with asyncio.timeout(10):
            while circuit.open:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.001)
        assert away.probes == -1
        assert away.told == [True, False]
        circuit.admit()
        circuit.failed("read", "timeout")
        circuit.admit()  # it counts anew

    asyncio.run(main())


def test_reads_that_succeed_do_not_hide_writes_that_fail() -> None:
    async def main() -> None:
        away = Away(10**9)
        circuit = Breaker(away.probe, away.told.append)
        for _ in range(FAILURES):
            circuit.succeeded("read")
            circuit.failed("write", "out_of_memory")
        assert circuit.open
        await circuit.close()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
