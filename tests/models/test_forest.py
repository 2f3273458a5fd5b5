"""The forest's arrays: a tree by hand, the floor under its logits, and numbers that half precision does not hold."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.artefact import HALF_FROM
from models.bow import BagState
from models.forest import RandomForest
from tests.models.tiny import artefact


def test_a_tree_by_hand() -> None:
    model = RandomForest(words=3, classes=2, mode="count", trees=1, depth=2)
    model.get_buffer("feature")[0] = torch.tensor([2, 0, 1])
    model.threshold[0] = torch.tensor([1.5, 0.5, torch.inf])
    model.value[0] = torch.tensor([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5], [0.0, 1.0]])
    counts = torch.tensor([[0.0, 9, 1], [1, 0, 0], [0, 9, 2]])  # left left, left right, right left
    floor = 1 / (2 * 1)
    wanted = [[1.0, floor], [floor, 0.75], [0.5, 0.5]]
    assert model.readout(BagState(counts)).exp().tolist() == [pytest.approx(row) for row in wanted]


def test_a_fresh_forest_knows_nothing_and_its_classes_are_equal() -> None:
    model = RandomForest(words=3, classes=4, trees=7, depth=3)
    assert model.readout(model.initial_state(2)).tolist() == [pytest.approx([math.log(1 / 4)] * 4)] * 2


def test_the_logits_have_a_floor() -> None:
    model = RandomForest(words=3, classes=2, trees=10, depth=1)
    model.value[:] = torch.tensor([1.0, 0.0])
    assert model.readout(model.initial_state(1))[0].tolist() == pytest.approx([0, math.log(1 / 20)])


def test_the_words_of_a_large_forest_keep_their_numbers_on_disk(tmp_path: Path) -> None:
    model = RandomForest(words=5000, classes=2, trees=2, depth=16)
    feature = model.get_buffer("feature").random_(5000, generator=torch.Generator().manual_seed(0))
    words = [f"w{i}" for i in range(5000)]
    made = replace(artefact("forest", words=words), sizes={"trees": 2, "depth": 16}, weights=model.weights())
    assert feature.numel() > HALF_FROM
    assert int(feature.max()) > 2048  # from here on half precision has even numbers alone
    assert torch.equal(made.save(tmp_path).classifier.get_buffer("feature"), feature)
