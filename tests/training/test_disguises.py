"""Rules that disguise spam: what they write is another text for a machine, and the same for people."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest

from models.vocabulary import Vocabulary
from training.disguises import RULES, accents, homoglyphs, rules, write
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
    [("leet", 0.95), ("accents", 1.0), ("zero-width", 1.0), ("spacing", 1.0), ("split words", 0.7)],
)
def test_tokens_see_through(rule: str, known: float) -> None:
    """Every word that a vocabulary holds is found again; of words cut in two, those whose halves are no words."""
    words = ["congratulations", "holiday", "website", "money", "claim", "today", "your", "have", "free", "call"]
    vocabulary = Vocabulary(words)
    found, chance = 0, Random(7)
    for word in words * 50:
        found += vocabulary.ids(RULES[rule](word, chance)) == [vocabulary.word_index[word]]
    assert found / (50 * len(words)) >= known


def test_look_alikes_are_those_of_unicode_and_not_those_that_are_undone() -> None:
    """Among them are some that models/disguise.py does not know: it would else be asked only what it can answer."""
    missed = 0
    vocabulary = Vocabulary(["viagra", "money", "click", "please"])
    for number in range(200):
        written = homoglyphs(vocabulary.words[number % 4], Random(number))
        assert unicodedata.normalize("NFKC", written) not in vocabulary.words
        missed += vocabulary.ids(written) != [1 + number % 4]
    assert 20 < missed < 180


def test_accents_are_on_letters_alone() -> None:
    written = accents("congratulations", Random(1))
    assert written != "congratulations"
    apart = unicodedata.normalize("NFD", written)
    assert "".join(c for c in apart if not unicodedata.combining(c)) == "congratulations"


def test_a_rule_is_for_every_document() -> None:
    document = Document("1", TEXT, 0, "set/part")
    assert {name: rule(document) for name, rule in rules().items()} == {name: write(TEXT, name) for name in RULES}
