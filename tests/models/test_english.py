"""What is not English is warned about, and English, slang too, is not."""

from __future__ import annotations

import pytest

from models import english, shipped
from models.artefact import load
from models.predictor import Predictor
from models.verdict import NOT_ENGLISH
from models.vocabulary import Vocabulary
from tests.models import tiny
from tests.models.languages import LANGUAGES, documents, share, texts, warned

ENGLISH = (
    "ok lar.. joking wif u oni",
    "U dun say so early hor... U c already then say...",
    "Wen r u comin home 2nite? gonna b late, cya l8r",
    "Dunno la, wat time u wan 2 meet? I got class til 5 lei",
    "lol thx m8, ttyl",
    "Nah I don't think he goes to usf, he lives around here though",
    "FREE entry! Text WIN to 80082 now & claim ur prize, T&Cs apply",
    "Kaminski asked Bjørn Hagelmann about the Dabhol curves, see the sheet that Jaesoo and Vasant sent on Friday.",
    "Jean Gabin and Arletty in Marcel Carné's Le Jour se lève: what a film.",
    "The Königsberg bridges, a naïve résumé, déjà vu and other words that English has borrowed.",
    "Invoice 4711-0815, 3 x 19.99 EUR, total 59.97",
    "!!!",
)


@pytest.fixture(scope="module", params=["spam-gru", "sentiment-gru"])
def predictor(request: pytest.FixtureRequest) -> Predictor:
    return Predictor(load(shipped.folder(request.param)))


def test_nearly_all_texts_that_are_not_english_are_warned_about(predictor: Predictor) -> None:
    assert len(LANGUAGES) == 17
    found = warned(predictor, documents(texts(1)))
    assert len(found) == 54
    assert share(found, NOT_ENGLISH) >= 0.98


def test_english_is_not(predictor: Predictor) -> None:
    found = warned(predictor, documents(ENGLISH))
    assert [text for text, warnings in zip(ENGLISH, found, strict=True) if NOT_ENGLISH in warnings] == []


def test_a_model_of_another_language_says_nothing_of_english() -> None:
    german = Vocabulary(["der", "die", "das", "und", "ist", "nicht", "ich", "du", "wir", "ein", "eine", "film", "gut"])
    assert english.ids(german) is None
    predictor = Predictor(tiny.artefact("gru", words=german.words))
    found = warned(predictor, documents(["The film has not been seen here yet, whatever you may think of it."]))
    assert found == [["mostly_unknown_words"]]


def test_the_common_words_are_counted_once_a_sentence() -> None:
    predictor = Predictor(tiny.artefact("gru", words=english.COMMON.split()))
    (advance,) = predictor.advance([(None, ["The the of xyz.", "Xyz and the xyz."])])
    assert [(step.words, step.unknown, step.common) for step in advance.steps] == [(4, 1, 2), (4, 2, 2)]  # type: ignore[union-attr]
