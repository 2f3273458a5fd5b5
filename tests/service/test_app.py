"""What BentoML makes a worker of."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest
from bentoml._internal.context import server_context

from service import app, catalogue, logs
from service.app import YOUNG, Undertone
from service.serving import Serving
from service.wire import BatchIn, PredictIn
from tests.service.live import Bench


class Placed(Exception):
    """Where a worker would load its models."""


@pytest.mark.parametrize(("index", "device"), [(None, "cuda:0"), (1, "cuda:0"), (3, "cuda:2"), (6, "cuda:1")])
def test_each_worker_loads_its_models_where_its_number_says(
    index: int | None, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(names: tuple[str, ...], worker: int, queue: int, device: str) -> None:
        raise Placed(catalogue.place(device, worker))

    monkeypatch.setattr(catalogue, "_gpus", lambda: 4)
    monkeypatch.setattr(catalogue, "load", load)
    monkeypatch.setattr(logs, "install", lambda: None)
    monkeypatch.setattr(server_context, "worker_index", index)
    parents: list[int] = []
    monkeypatch.setattr(app, "die_with", parents.append)
    with pytest.raises(Placed, match=device):
        cast(Any, Undertone).inner()
    assert parents == ([os.getppid()] if index else [])


def test_without_http_its_apis_answer_by_themselves(bench: Bench) -> None:
    async def use(serving: Serving) -> None:
        kind = cast(Any, Undertone).inner
        worker = kind.__new__(kind)  # without loading anything
        worker.serving = serving
        one = await worker.predict.local(PredictIn(text="free money", task="spam"))
        many = await worker.predict_batch.local(BatchIn(texts=["free money", ""], task="spam"))
        assert many.results[0]["probability"] == pytest.approx(one.probability, abs=1e-5)
        assert many.results[1]["error"]["code"] == "empty_text"

    bench.run(use)


@pytest.fixture
def _collector_afterwards() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("_collector_afterwards")
def test_what_a_worker_has_loaded_is_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERTONE_MODELS", "spam-gru")
    monkeypatch.setattr(logs, "install", lambda: None)
    worker = cast(Any, Undertone).inner()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == YOUNG
    # Of what stays, too: the models are among it.
    assert not any(each is worker.serving.catalogue for each in gc.get_objects())
