"""What GET /metrics answers: the numbers of all workers, what is always so, and what Redis says of itself.

files of all workers (or this process's numbers) --MultiProcessCollector--.
models and their references, versions; Health of Redis --families---------+--> text format
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest, utils
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

import service
from models import reference
from models.artefact import PIPE

if TYPE_CHECKING:
    from service.catalogue import Model

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MODEL: Final = ("task", "model", "digest")


class Health(NamedTuple):
    """What Redis says of itself; None is what it does not tell this user."""

    keys: float | None = None
    expired_keys: float | None = None
    evicted_keys: float | None = None
    memory_bytes: float | None = None
    memory_limit_bytes: float | None = None


def exposition(registry: CollectorRegistry, constants: Sequence[Metric], health: Health | None) -> bytes:
    """The text format, over all workers where there are several; `health` is None where Redis said nothing."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        forget_the_dead()
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    others = CollectorRegistry()
    others.register(_Given([*constants, *_redis(health)]))
    return generate_latest(registry) + generate_latest(others)


def forget_the_dead() -> None:
    """What a worker that was killed said of itself is no longer so; its counters stay."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in os.listdir(folder) if folder else ():
        live = re.fullmatch(r"gauge_live[a-z]*_(\d+)\.db", file)
        if live and not os.path.exists(f"/proc/{live[1]}"):
            mark_process_dead(int(live[1]))  # type: ignore[no-untyped-call]


def constants(models: Sequence[Model]) -> list[Metric]:
    """What does not change while a worker lives, and is the same in all of them."""
    versions = {"version": service.VERSION, "python": platform.python_version()}
    versions |= {package: version(package) for package in ("bentoml", "numpy", "redis")}
    build = GaugeMetricFamily("undertone_build_info", "What serves.", labels=list(versions))
    build.add_metric(list(versions.values()), 1)
    loaded = GaugeMetricFamily("undertone_model_info", "A loaded model.", labels=[*MODEL, "family", "pipe"])
    ratio = GaugeMetricFamily(
        "undertone_reference_ratio",
        "Share of the model's validation data at or below `le`.",
        labels=[*MODEL, "feature", "ge", "le"],
    )
    unknown = GaugeMetricFamily(
        "undertone_reference_unknown_ratio", "Share of unknown words in the model's validation data.", labels=MODEL
    )
    for model in models:
        labels = [model.task, model.name, model.digest]
        report = model.artefact.report
        loaded.add_metric([*labels, model.artefact.family, str(PIPE)], 1)
        for feature, shares in reference.shares(report).items():
            bounds = [_le(bound) for bound in (*reference.BOUNDS[feature], float("inf"))]
            for above, bound, share in zip(["", *bounds], bounds, shares, strict=False):
                ratio.add_metric([*labels, feature, above, bound], share)
        if (share_unknown := reference.unknown_ratio(report)) is not None:
            unknown.add_metric(labels, share_unknown)
    return [build, loaded, ratio, unknown]


def _le(bound: float) -> str:
    """As a histogram's label has it."""
    return str(utils.floatToGoString(bound))  # type: ignore[no-untyped-call]


def _redis(health: Health | None) -> Iterable[Metric]:
    said = health or Health()
    for name, text, number in (
        ("undertone_redis_up", "1 where Redis answered.", float(health is not None)),
        ("undertone_redis_keys", "Keys of the sessions' database.", said.keys),
        ("undertone_redis_expired_keys_total", "Keys that expired.", said.expired_keys),
        ("undertone_redis_evicted_keys_total", "Keys dropped for memory.", said.evicted_keys),
        ("undertone_redis_memory_bytes", "Memory in use.", said.memory_bytes),
        ("undertone_redis_memory_limit_bytes", "maxmemory; 0: none.", said.memory_limit_bytes),
    ):
        if number is not None:
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(name, text, value=number)


class _Given(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
