"""Words and the fitted index: disguises come off, hostile text is linear, counts are the textbook's."""

from __future__ import annotations

import sys
import time
import unicodedata
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

from models.vocabulary import LONGEST_WORD, UNKNOWN, Mode, Vocabulary, _looked_at, _tokens, normalise, words
from tests.models.clock import linear

DOCUMENTS = ["The cat sat on the mat.", "The dog ate my homework."]


def test_the_word_index_counts_from_the_most_common_and_ties_keep_their_order() -> None:
    vocabulary = Vocabulary.fit(DOCUMENTS)
    order = ["the", "cat", "sat", "on", "mat", "dog", "ate", "my", "homework"]
    assert vocabulary.word_index == {word: i for i, word in enumerate(order, start=1)}
    assert vocabulary.words == order
    assert len(vocabulary) == 9
    assert vocabulary.texts_to_sequences(DOCUMENTS) == [[1, 2, 3, 4, 1, 5], [1, 6, 7, 8, 9]]


def test_a_bag_of_words_counts() -> None:
    vocabulary = Vocabulary(["the", "cat", "sat", "on", "hat", "dog", "ate", "and"])
    matrix = vocabulary.texts_to_matrix(["The cat sat on the hat", "The dog ate the cat and the hat"], "count")
    assert matrix.tolist() == [[2, 1, 1, 1, 1, 0, 0, 0], [3, 1, 0, 0, 1, 1, 1, 1]]
    assert matrix.dtype == np.float32


def test_most_keeps_the_most_common_and_the_rest_is_unknown() -> None:
    vocabulary = Vocabulary.fit(["b a b", "c c b a d"], most=2)
    assert vocabulary.words == ["b", "a"]  # a and c occur twice each, a was there first
    assert vocabulary.ids("d b a x") == [UNKNOWN, 1, 2, UNKNOWN]
    assert vocabulary.texts_to_sequences(["d b a x"]) == [[1, 2]]
    assert vocabulary.texts_to_matrix(["d d d", ""], "freq").tolist() == [[0, 0], [0, 0]]


@given(st.lists(st.text("abcdé !?\u200b", max_size=30), min_size=1, max_size=5))
def test_the_modes_are_scikit_learns(texts: list[str]) -> None:
    vocabulary = Vocabulary.fit([*texts, "a"])
    by_word = {"analyzer": words, "vocabulary": vocabulary.words}
    counts = CountVectorizer(**by_word).transform(texts)
    theirs: dict[Mode, np.ndarray] = {
        "count": counts.toarray(),
        "binary": CountVectorizer(binary=True, **by_word).transform(texts).toarray(),
        "freq": TfidfTransformer(norm="l1", use_idf=False).fit_transform(counts).toarray(),
    }
    for mode, wanted in theirs.items():
        np.testing.assert_allclose(vocabulary.texts_to_matrix(texts, mode), wanted, rtol=1e-6)


def test_tfidf_by_hand() -> None:
    vocabulary = Vocabulary.fit(["a a b", "a c", "b"])
    assert (vocabulary.words, vocabulary.document_frequency, vocabulary.documents) == (["a", "b", "c"], [2, 2, 1], 3)
    row = vocabulary.texts_to_matrix(["a a a c z"], "tfidf")[0]
    assert row == pytest.approx([(1 + np.log(3)) * np.log(1 + 3 / 3), 0, np.log(1 + 3 / 2)])


def test_tfidf_needs_a_fitted_vocabulary() -> None:
    with pytest.raises(ValueError, match=r"use Vocabulary\.fit"):
        Vocabulary(["a"]).texts_to_matrix(["a"], "tfidf")


def test_a_word_is_held_once() -> None:
    with pytest.raises(ValueError, match="'b' twice"):
        Vocabulary(["a", "b", "c", "b"])


@pytest.mark.parametrize(
    "disguise",
    [
        "ＦＲＥＥ money",
        "f\u200br\u200ce\u200de m\u00ado\u2060n\ufeffe\u202ey",
        "fr\x00ee\x07 mo\x1b\x7fney",
        "𝓕𝓻𝓮𝓮 𝐦𝐨𝐧𝐞𝐲",
        "f\u0336r\u0336e\u0336e\u0336 m\u0334\u0327o\u0336n\u0308e\u0338y\u0332",
        "fr\ufe0fee\U000e0100 mo\U000e006eney",
        "fr\u3164ee mo\u115fney\uffa0",
        "FREE\nMONEY",
    ],
)
def test_a_disguised_word_meets_its_plain_form(disguise: str) -> None:
    assert words(disguise) == ["free", "money"]


def test_letters_with_accents_are_letters_however_they_are_typed() -> None:
    assert words("cafe\u0301 café Ünïcöde") == ["café", "café", "ünïcöde"]
    assert words("İSTANBUL istanbul") == ["istanbul", "istanbul"]
    assert words("ﾃﾞｰﾀ データ") == ["データ", "データ"]
    assert words("don’t don't 'quoted'") == ["don't", "don't", "quoted"]


def test_no_format_or_control_character_is_seen() -> None:
    for c in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(c) == "Cf" or (unicodedata.category(c) == "Cc" and not c.isspace()):
            assert normalise(f"fr{c}ee") == normalise(f"fr{c}eé").replace("é", "e") == "free", hex(ord(c))


def test_blanks_among_the_control_characters_part_words() -> None:
    for c in "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85":
        assert words(f"free{c}money é") == ["free", "money", "é"], hex(ord(c))


@given(st.text())
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


ASCII: Final = st.text(st.sampled_from("ab1 .,'!?%@$|-\n\x00") | st.characters(max_codepoint=127), max_size=40)


@given(st.lists(ASCII | st.text(max_size=5), max_size=6))
def test_many_sentences_at_once_have_the_tokens_of_each(texts: list[str]) -> None:
    assert _tokens(texts) == [_looked_at(text) for text in texts]
    vocabulary = Vocabulary(["a", "b", "1", "ab", "'"])
    assert vocabulary.batch(texts) == [vocabulary.ids(text) for text in texts]


def test_the_marks_that_spam_and_praise_are_written_with_are_words() -> None:
    assert words("£5 €6 $7: 8% off?! (no_more) #1, a.b") == (
        ["£", "5", "€", "6", "$", "7", "8", "%", "off", "?", "!", "no", "more", "1", "a", "b"]
    )


def test_one_publishers_layout_gives_the_words_of_anothers() -> None:
    assert words("it isn ' t on 12 / 31 , we ' ll call adm 74949 at 10 am") == words(
        "It isn't on 12/31, we'll call adm74949 at 10am"
    )
    assert words("in 1999, or 2004") == words("in 2001, or 1987") == ["in", "0000", "or", "0000"]
    assert words("4 of 10, 1,000") == ["4", "of", "10", "1", "000"]


@pytest.mark.parametrize(
    "disguise",
    [
        "fr33 m0ney",
        "FR3E m0n3y",
        "f r e e  m o n e y",
        "f r e e m o n e y",
        "F.R.E.E m-o-n-e-y",
        "f . r . e . e m_o_n_e_y",
        "frее mоnеу",  # three Cyrillic letters each
        "frée mönéy",
        "freeeee moneyyy",
        "fr ee mon ey",
        "fr€e mon€y",
    ],
)
def test_an_unknown_word_is_taken_for_the_known_one_that_it_is_read_as(disguise: str) -> None:
    vocabulary = Vocabulary(["you", "mon", "free", "now", "money"])
    assert vocabulary.ids(f"you {disguise} now") == [1, 3, 5, 4]


def test_what_is_known_as_it_stands_stays() -> None:
    vocabulary = Vocabulary(["schon", "schön", "so", "soo", "s", "free", "4", "a", "b", "c", "d", "an", "other"])
    assert vocabulary.ids("schön schon soo so") == [2, 1, 4, 3]
    assert vocabulary.ids("4s a b c d") == [7, 5, 8, 9, 10, 11]  # letters that make no word are letters
    assert vocabulary.ids("another an other") == [UNKNOWN, 12, 13]


@given(st.lists(st.sampled_from([*"abcdefgh013@$!'. ’", "free", "money", "fr", "ee"]), max_size=40))
def test_every_sentence_with_words_has_ids(parts: list[str]) -> None:
    text = "".join(parts)
    assert bool(Vocabulary(["free", "money", "a"]).ids(text)) == bool(words(text))


def test_a_long_word_is_its_beginning() -> None:
    assert words("A" * 1000 + " b") == ["a" * LONGEST_WORD, "b"]


MILLION = 1_000_000
HOSTILE = {
    "marks on one letter": "e" + "\u0301\u0327" * (MILLION // 2),
    "marks in falling order": "\u0301\u0327\u0334" * (MILLION // 3),
    "half-width marks between marks": "\u0301\uff9e" * (MILLION // 2),
    "marks between invisible characters": "\u0301\u200b\u0327\u200b" * (MILLION // 4),
    "a ligature of 18 letters": "\ufdfa" * (MILLION // 4),  # 4.5 million when taken apart
    "invisible characters": "\u200b" * MILLION,
    "control characters": "\x00" * MILLION,
    "one word": "a" * MILLION,
    "apostrophes": "a'" * (MILLION // 2),
    "only apostrophes": "'" * MILLION,
    "only exclamation marks": "!" * MILLION,
    "exclamation marks and apostrophes": "!'" * (MILLION // 2),
    "capital sigmas": "Σ." * (MILLION // 2),
    "emoji": "🙂" * MILLION,
    "letters apart": "a b c d e " * (MILLION // 10),
    "letters apart by marks": "a.b-c_d*" * (MILLION // 8),
    "letters nearly apart": "a b cc " * (MILLION // 7),
    "digits among letters": "a1b2" * (MILLION // 4),
    "words of signs": "a$@!" * (MILLION // 4) + "a",
    "drawn out": "aaab " * (MILLION // 5),
    "unknown words": "xy zw " * (MILLION // 6),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_linear(name: str) -> None:
    text = HOSTILE[name]
    sixteenth = timed(text[: len(text) // 16])
    assert sixteenth < 5, "the whole would take hours, in C code that no timeout can interrupt"
    linear(lambda size: timed(text[:size]), len(text), 8, 0.5)


ABC: Final = Vocabulary([*"abcde", "ab", "abc", "cdeab", "free", "money"])


def timed(text: str) -> float:
    began = time.process_time()
    ABC.ids(text)
    return time.process_time() - began
