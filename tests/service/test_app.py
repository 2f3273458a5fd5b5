"""What BentoML makes a worker of."""

from __future__ import annotations

from typing import Any, cast

import pytest
from bentoml._internal.context import server_context

from service import catalogue, logs
from service.app import Undertone


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
    with pytest.raises(Placed, match=device):
        cast(Any, Undertone).inner()
