"""Families by name: what sizes each has and refuses, and the promises that every one keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.contract import Tokens
from models.families import FAMILIES, build, check
from models.predictor import Advance, Predictor
from models.wide import Wide
from tests.models.tiny import SIZES, WORDS, artefact, classifier, family_of

DOCUMENTS = [
    ["free money !", "", "click click the film", "unheard"],
    ["good film", "you won ! ! ! the cat"],
    [],
    ["the cat sat on the good film", "money", "free"],
]


def test_every_family_has_small_sizes_to_be_tested_with() -> None:
    assert {family_of(name) for name in SIZES} == set(FAMILIES)


@pytest.mark.parametrize("name", SIZES)
def test_unroll_equals_stepping_and_a_batch_one_by_one(name: str) -> None:
    model = classifier(name)
    ids = [[[1, 2, 3], [], [4, 5]], [[12], [0, 7, 7], [3, 3, 3, 9, 10, 11]]]
    _, whole = model.unroll(model.encode(Tokens.of([s for row in ids for s in row])).unflatten(0, (2, 3)))
    for b, row in enumerate(ids):
        state = model.initial_state(1)
        for s, sentence in enumerate(row):
            state, logits = model.step(state, Tokens.of([sentence]))
            torch.testing.assert_close(logits[0], whole[b, s], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", SIZES)
def test_saved_and_loaded_and_saved_again_is_the_same_model(name: str, tmp_path: Path) -> None:
    once = artefact(name).save(tmp_path / "once")
    assert once.save(tmp_path / "twice").digest == once.digest
    assert (once.family, once.sizes) == (family_of(name), SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_one_request_equals_sentence_by_sentence_through_bytes(name: str) -> None:
    predictor = Predictor(artefact(name))
    whole = advanced(predictor, [(None, document) for document in DOCUMENTS])
    for document, at_once in zip(DOCUMENTS, whole, strict=True):
        state, steps = None, []
        for sentence in document:
            (advance,) = advanced(predictor, [(state, [sentence])])
            state = advance.state
            steps += advance.steps
        assert state is None or len(state) == len(at_once.state) == predictor.state_bytes
        got, wanted = ([s.probabilities for s in side] for side in (steps, at_once.steps))
        np.testing.assert_allclose(got, wanted, atol=1e-5, rtol=0)


def advanced(predictor: Predictor, items: list[tuple[bytes | None, list[str]]]) -> list[Advance]:
    answers = [answer for answer in predictor.advance(items) if isinstance(answer, Advance)]
    assert len(answers) == len(items)
    return answers


@pytest.mark.parametrize("family", FAMILIES)
def test_any_family_may_have_a_wide_path(family: str) -> None:
    name = next(name for name in SIZES if family_of(name) == family)
    sizes = {"pairs": 7, **SIZES[name], "wide": True}
    model = build(family, words=len(WORDS), classes=2, sizes=sizes)
    assert isinstance(model, Wide)
    assert isinstance(model.inner, FAMILIES[family])
    assert model.table.weight.shape == (1 + len(WORDS) + sizes["pairs"], 1)


@pytest.mark.parametrize(
    ("family", "sizes", "message"),
    [
        ("gru", {"filters": 3}, r"a gru has no size 'filters', it has connection, dropout, .*, word_dropout"),
        ("conv1d", {"pairs": 3}, "a conv1d has no size 'pairs'"),
        ("gru", {"hidden": 3.0}, r"hidden = 3\.0, wanted of type int"),
        ("gru", {"hidden": True}, r"hidden = True, wanted of type int"),
        ("gru", {"dropout": "half"}, r"dropout = 'half', wanted of type float"),
        ("lstm", {"encoder": "elmo"}, r"encoder = 'elmo', wanted one of 'bow', 'pooled', 'inception'"),
        ("rnn", {"layers": 5}, r"layers = 5, wanted one of 1, 2, 3, 4"),
        ("gru", {"wide": 1}, r"wide = 1, wanted of type bool"),
    ],
)
def test_what_is_no_size_is_refused(family: str, sizes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check(family, sizes)


def test_whole_numbers_will_do_for_rates_and_pairs_for_a_wide_path() -> None:
    check("gru", {"dropout": 0, "length": 1, "encoder": "bow", "layers": 4})
    check("conv1d", {"wide": True, "pairs": 100})


@pytest.mark.parametrize(
    ("sizes", "wanted"), [({"wide_pairs": 5}, 5), ({"pairs": 3}, 3), ({"pairs": 3, "wide_pairs": 5}, 5), ({}, 0)]
)
def test_the_linear_path_has_pairs_of_its_own(sizes: dict[str, int], wanted: int) -> None:
    model = build("gru", words=2, classes=2, sizes={"embedding": 2, "hidden": 2, "wide": True} | sizes)
    assert isinstance(model, Wide)
    assert model.table.num_embeddings == 1 + 2 + wanted
    assert len(model.inner.state_dict()["encoder.embedding.weight"]) == 1 + 2 + sizes.get("pairs", 0)
