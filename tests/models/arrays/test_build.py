"""What NumPy takes is what torch would take, with the same sizes where none are given; it leaves the rest to torch."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from models.arrays.build import FAMILIES, OF_TRAINING, build
from models.families import FAMILIES as IN_TORCH
from models.families import build as build_torch
from tests.models.tiny import SIZES, WORDS, artefact


@pytest.mark.parametrize("family", FAMILIES)
def test_sizes_that_are_not_given_are_torchs(family: str) -> None:
    mine = inspect.signature(FAMILIES[family]).parameters
    torchs = inspect.signature(IN_TORCH[family].__init__).parameters
    names = {name for name, p in torchs.items() if p.default is not p.empty} - OF_TRAINING
    assert {name: mine[name].default for name in mine if mine[name].default is not inspect.Parameter.empty} == {
        name: torchs[name].default for name in names
    }


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("wide", [{}, {"wide": True, "pairs": 3}, {"wide": True}])
def test_a_model_of_default_sizes_is_taken(family: str, wide: dict[str, Any]) -> None:
    weights = build_torch(family, words=3, classes=2, sizes=wide).weights()
    assert build(family, words=3, classes=2, sizes=wide, arrays=weights) is not None


def test_a_wide_path_may_have_pairs_of_its_own() -> None:
    weights = build_torch("conv1d", words=3, classes=2, sizes={"wide": True, "pairs": 5}).weights()
    for pairs, fits in ((5, True), (6, False)):
        sizes = {"wide": True, "pairs": 9, "wide_pairs": pairs}
        assert (build("conv1d", words=3, classes=2, sizes=sizes, arrays=weights) is not None) is fits


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": {**SIZES["gru"], "hidden": 7}},
        {"sizes": {**SIZES["gru"], "odd": 1}},
        {"sizes": {**SIZES["gru"], "encoder": "elmo"}},
        {"family": "conv1d"},
        {"family": "oracle"},
        {"words": 3},
        {"classes": 3},
    ],
)
def test_what_does_not_fit_is_left_to_torch(change: dict[str, Any]) -> None:
    made = artefact("gru")
    known: dict[str, Any] = {
        "family": "gru",
        "words": len(WORDS),
        "classes": 2,
        "sizes": made.sizes,
        "arrays": made.weights,
    }
    assert build(**known) is not None
    assert build(**(known | change)) is None


def test_weights_that_lack_or_have_too_much_or_another_type_are_left_to_torch() -> None:
    made = artefact("gru")
    odd = [
        {name: array for name, array in made.weights.items() if name != "linear.bias"},
        {**made.weights, "attention.weight": np.zeros(2, np.float32)},
        {**made.weights, "linear.bias": np.zeros(2, np.float64)},
    ]
    for weights in odd:
        assert build("gru", words=len(WORDS), classes=2, sizes=made.sizes, arrays=weights) is None
