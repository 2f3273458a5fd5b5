"""Documents that are not English have a row of their own."""

from __future__ import annotations

import numpy as np
import pytest

from models import english
from models.predictor import Predictor
from tests.models import tiny
from training import foreign, score, tables
from training.documents import Document
from training.splits import REPEATS

TEXTS = ("You have won the money.", "Sie haben das Geld gewonnen.", "This is for you and not for them.", "мы ждём вас")


@pytest.fixture
def documents() -> list[Document]:
    return [Document(str(i), text, i % 2, "set/part") for i, text in enumerate(TEXTS)]


def test_they_are_found_by_the_rule_that_warns_and_scored_as_all_others(documents: list[Document]) -> None:
    predictor = Predictor(tiny.artefact("gru", words=english.COMMON.split()))
    found, rows = foreign.score(predictor, documents, "test")
    assert rows == [1, 3]
    wanted = score.score(predictor, documents)
    assert all(map(np.array_equal, found.probabilities, wanted.probabilities))


def test_their_figures_are_of_them_alone(documents: list[Document]) -> None:
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.2, 0.8]])
    scores = score.Scores.whole(documents, chances)
    found = foreign.apart("set", scores, [1, 3])
    assert (found["documents"], found["positives"]) == (2, 2)
    assert (found["accuracy"], found["recall"], found["false_positive_rate"]) == (0.5, 0.5, None)
    assert foreign.apart("set", scores, []) == foreign.apart(f"set{REPEATS}", scores, [1, 3]) == {}


def test_a_card_has_their_row_where_there_are_any(documents: list[Document]) -> None:
    found = foreign.apart("set", score.Scores.whole(documents, np.array([[0.9, 0.1]] * 4)), [1, 2])
    report = {"labels": ["ham", "spam"], "not_english": {"set": found}}
    _, lines = tables.not_english(report)
    assert lines[-1] == "| set, not English | 2 | 1 | 50.00% | 1.2040 | 0.00% | 0.00% |"
    assert tables.not_english({"labels": ["ham", "spam"], "not_english": {}}) == []
    assert tables.not_english({"labels": ["ham", "spam"]}) == []
