"""What is written together is what would have been observed one by one, and no later than promised."""

from __future__ import annotations

import asyncio
import math
import random

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from service.later import SECONDS
from service.metrics.families import Families
from service.metrics.ledger import Ledger

BOUNDS = (0.0, 0.5, 1.0, 2.5)


def test_a_spread_is_what_observe_makes_of_the_same_values() -> None:
    random.seed(7)
    values = [*BOUNDS, -1.0, 1e9, math.inf, *(random.uniform(-1, 4) for _ in range(500))]
    written, observed = CollectorRegistry(), CollectorRegistry()
    ledger = Ledger()
    spread = ledger.spreads(Histogram("a", "b", ["x"], buckets=BOUNDS, registry=written))["y"]
    one_by_one = Histogram("a", "b", ["x"], buckets=BOUNDS, registry=observed).labels("y")
    for start in range(0, len(values), 50):
        spread.add(values[start])
        spread.add_all(values[start + 1 : start + 50])
        ledger.write()
    for value in values:
        one_by_one.observe(value)
    assert samples(written) == samples(observed)
    assert f'a_count{{x="y"}} {float(len(values))}' in samples(written)


def samples(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


def test_what_is_counted_is_written_by_itself_soon() -> None:
    registry = CollectorRegistry()
    ledger = Ledger()
    total = ledger.sums(Counter("a_total", "b", ["x"], registry=registry))["y"]

    async def main() -> None:
        total.add()
        total.add(2)
        ledger.touch()
        ledger.touch()
        assert registry.get_sample_value("a_total", {"x": "y"}) == 0
        assert total.total == 3
        await asyncio.sleep(2 * SECONDS)

    asyncio.run(main())
    assert registry.get_sample_value("a_total", {"x": "y"}) == 3
    assert total.total == 3


def test_a_level_is_read_when_it_is_written() -> None:
    registry = CollectorRegistry()
    ledger = Ledger()
    now = [0.0]
    ledger.level(Gauge("a", "b", registry=registry), lambda: now[0])
    for value in (3.0, 3.0, 0.0):
        now[0] = value
        ledger.write()
        assert registry.get_sample_value("a") == value


def test_entries_are_there_from_when_they_are_asked_for() -> None:
    registry = CollectorRegistry()
    families = Families(registry, Ledger())
    families.labels.start([("spam", "spam-gru", "sha256:0", "ham")])
    labels = {"task": "spam", "model": "spam-gru", "digest": "sha256:0", "label": "ham"}
    assert registry.get_sample_value("undertone_labels_total", labels) == 0
    assert families.labels["spam", "spam-gru", "sha256:0", "ham"].total == 0
    assert registry.get_sample_value("undertone_rate_limited_total") == 0
    families.rate_limited[()].add()
    assert families.rate_limited[()].total == 1
