"""Rules that disguise spam: what they write is another text for a machine, and the same for people."""

from __future__ import annotations

from random import Random

import pytest

from models.predictor import Predictor
from models.vocabulary import Vocabulary
from tests.models import tiny
from training.disguises import RULES, recalls, write
from training.documents import Document

TEXT = "Congratulations! You have won a FREE holiday, claim your money now at our website or call us today."


@pytest.mark.parametrize("rule", RULES)
def test_about_half_of_the_longer_words_are_another_and_the_rest_is_as_it_was(rule: str) -> None:
    written = write(TEXT * 20, rule)
    longer = [word for word in TEXT.replace("!", "").replace(",", "").replace(".", "").split() if len(word) >= 4]
    left = sum(written.count(word) for word in longer) / (20 * len(longer))
    assert 0.3 < left < 0.7
    assert written.count(" or ") == written.count(" us ") == 20


@pytest.mark.parametrize("rule", RULES)
def test_the_same_text_is_disguised_in_the_same_way(rule: str) -> None:
    assert write(TEXT, rule) == write(TEXT, rule)
    assert write(TEXT, rule, seed=2) != write(TEXT, rule) != write(TEXT + " ", rule)


@pytest.mark.parametrize(
    ("rule", "known"),
    [("leet", 0.95), ("homoglyphs", 1.0), ("zero-width", 1.0), ("spacing", 1.0), ("split words", 0.7)],
)
def test_tokens_see_through(rule: str, known: float) -> None:
    """Every word that a vocabulary holds is found again; of words cut in two, those whose halves are no words."""
    words = ["congratulations", "holiday", "website", "money", "claim", "today", "your", "have", "free", "call"]
    vocabulary = Vocabulary(words)
    found, chance = 0, Random(7)
    for word in words * 50:
        found += vocabulary.ids(RULES[rule](word, chance)) == [vocabulary.word_index[word]]
    assert found / (50 * len(words)) >= known


def test_recall_is_counted_at_one_threshold_with_and_without() -> None:
    predictor = Predictor(tiny.artefact("gru"))
    spam = [Document(str(i), f"free money number {'x' * i} click now!", 1, "set/part") for i in range(30)]
    ham = [Document("ham", "the cat sat on the mat", 0, "set/part")]
    for threshold, recall in ((0.0, 1.0), (1.0, 0.0)):
        found = recalls(predictor, [*spam, *ham], threshold)
        assert found["documents"] == 30
        assert {found[name] for name in ("plain", *RULES)} == {recall}
    assert recalls(predictor, ham) == {}
