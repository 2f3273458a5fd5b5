"""Promise 1 across two requests: a text cut where a reported sentence ends scores as if it had not been cut.

A request ends its last sentence and keeps no text, so the second one begins without what stood before it; of its
line it knows how far that had come. Nearly always the sentences are the same, and then so are the numbers. What is
known to differ is a sentence before the cut that ends within 16 code points of it, where less is seen behind its end.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from models.predictor import Advance, Predictor
from tests.models.cuts import WRITTEN, Cut, cuts, real, share
from tests.models.tiny import SIZES, artefact

ENOUGH = 0.995


@pytest.fixture(scope="module")
def corpora() -> dict[str, list[Cut]]:
    return {name: list(cuts(texts)) for name, texts in WRITTEN.items()}


@pytest.mark.parametrize(("name", "number"), [("golden", 150), ("prose", 1000), ("wrapped", 1000)])
def test_the_parts_have_the_sentences_of_the_whole(corpora: dict[str, list[Cut]], name: str, number: int) -> None:
    assert len(corpora[name]) >= number
    assert share(corpora[name]) >= ENOUGH


@pytest.mark.data
@pytest.mark.skipif("DATA_DIR" not in os.environ, reason="DATA_DIR, the folder of the data sets, is not set")
@pytest.mark.parametrize("name", ["spamassassin", "enron_spam"])
def test_and_so_they_have_in_real_mail(name: str) -> None:
    found = list(cuts(real(Path(os.environ["DATA_DIR"]), name)))
    assert len(found) > 2000
    assert share(found) >= ENOUGH


@pytest.mark.parametrize("family", SIZES)
def test_and_then_the_same_probabilities(corpora: dict[str, list[Cut]], family: str) -> None:
    """An eighth of the cuts for each family, another one for the next: the sentences are the same for all of them."""
    predictor = Predictor(artefact(family))
    same = [cut for found in corpora.values() for cut in found if cut.same][list(SIZES).index(family) % 8 :: 8]
    whole = answers(predictor, [(None, cut.whole) for cut in same])
    first = answers(predictor, [(None, cut.before) for cut in same])
    second = answers(predictor, [(a.state, cut.after) for a, cut in zip(first, same, strict=True)])
    for cut, one, two, three in zip(same, whole, first, second, strict=True):
        wanted = [step.probabilities for step in one.steps]
        got = [step.probabilities for step in two.steps + three.steps]
        assert np.allclose(got, wanted, atol=1e-5, rtol=0), cut


def answers(predictor: Predictor, items: list[tuple[bytes | None, list[str]]]) -> list[Advance]:
    advances = [answer for answer in predictor.advance(items) if isinstance(answer, Advance)]
    assert len(advances) == len(items)
    return advances
