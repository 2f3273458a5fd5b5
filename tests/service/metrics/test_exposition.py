"""What does not change: models, versions, references; and what Redis says of itself."""

from __future__ import annotations

import os
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

import service
from models.reference import BOUNDS, measured
from service.catalogue import Model
from service.metrics.exposition import Health, constants, exposition, forget_the_dead
from tests.service.live import Bench

ROOT = Path(service.__file__).parent.parent


def samples(text: bytes, name: str) -> list[tuple[dict[str, str], float]]:
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
        if sample.name == name
    ]


@pytest.fixture
def model(bench: Bench) -> Model:
    return bench.catalogue.models[0]


def of(model: Model, report: dict[str, Any]) -> bytes:
    """The exposition of a model with that report."""
    artefact = replace(model.artefact, report=report)
    return exposition(CollectorRegistry(), constants([Model(artefact, model.predictor, model.batcher)]), None)


def test_an_artefact_without_a_reference_has_none_in_metrics(model: Model) -> None:
    text = of(model, {"test": {}})
    assert b"undertone_reference_ratio{" not in text
    assert b"undertone_reference_unknown_ratio{" not in text
    assert samples(text, "undertone_model_info")[0][0]["family"] == "gru"


def test_the_reference_is_cumulative_over_the_buckets_of_its_histogram(bench: Bench, model: Model) -> None:
    texts = [["The cat sat."], ["You won free money!", "Click zzyzx."], ["Is the cat good?"] * 4, []]
    advances = [a for a in model.predictor.advance([(None, text) for text in texts]) if not isinstance(a, Exception)]
    found = measured(advances)
    text = of(model, {"reference": found})
    ratios = samples(text, "undertone_reference_ratio")
    labels = {"task": model.task, "model": model.name, "digest": model.digest}
    assert all(labels.items() <= said.items() for said, _ in ratios)
    histograms = bench.serving().metrics.exposition(None)
    for feature in BOUNDS:
        of_feature = {said["le"]: (said["ge"], share) for said, share in ratios if said["feature"] == feature}
        buckets = [
            said["le"]
            for said, _ in samples(histograms, f"undertone_{feature}_bucket")
            if labels.items() <= said.items()
        ]
        assert list(of_feature) == buckets
        assert [ge for ge, _ in of_feature.values()] == ["", *buckets[:-1]]
        shares = [share for _, share in of_feature.values()]
        assert shares == sorted(shares)
        assert shares[-1] == 1
    sentences = {said["le"]: share for said, share in ratios if said["feature"] == "document_sentences"}
    assert [sentences[le] for le in ("0.0", "1.0", "2.0", "3.0", "5.0")] == [0.25, 0.5, 0.75, 0.75, 1]
    ((_, unknown),) = samples(text, "undertone_reference_unknown_ratio")
    assert unknown == found["unknown_words"] / found["words"]
    assert 0 < unknown < 1


def test_a_reference_with_other_buckets_is_left_out(model: Model) -> None:
    found = measured([])
    found["features"]["probability"] = {"bounds": [0.5], "counts": [1, 1]}
    found["features"]["sentence_words"]["counts"][3] = 2
    features = {said["feature"] for said, _ in samples(of(model, {"reference": found}), "undertone_reference_ratio")}
    assert features == {"sentence_words"}


def test_redis_is_up_or_it_is_not_and_then_nothing_else_is_said() -> None:
    health = Health(keys=3, expired_keys=5, evicted_keys=7, memory_bytes=11, memory_limit_bytes=0)
    text = exposition(CollectorRegistry(), [], health)
    names = ("up", "keys", "expired_keys_total", "evicted_keys_total", "memory_bytes", "memory_limit_bytes")
    assert [samples(text, f"undertone_redis_{name}") for name in names] == [[({}, n)] for n in (1, 3, 5, 7, 11, 0)]
    down = exposition(CollectorRegistry(), [], None)
    assert samples(down, "undertone_redis_up") == [({}, 0)]
    assert down.count(b"\nundertone_redis_") + down.startswith(b"undertone_redis_") == 1


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == service.VERSION
    ((said, _),) = samples(exposition(CollectorRegistry(), constants([]), None), "undertone_build_info")
    assert said["version"] == project["version"]
    assert set(said) == {"version", "python", "bentoml", "numpy", "redis"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a server with several workers."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_what_a_killed_worker_said_of_itself_is_forgotten(folder: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    for name in ("gauge_livesum", "counter"):
        for pid in (dead.pid, os.getpid()):
            (folder / f"{name}_{pid}.db").touch()
    forget_the_dead()
    left = {path.name for path in folder.iterdir()}
    assert left == {f"gauge_livesum_{os.getpid()}.db", f"counter_{os.getpid()}.db", f"counter_{dead.pid}.db"}
