"""The leak rules: no text stands on two sides, whatever sets it comes from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.documents import Document, key
from training.errors import DataError
from training.splits import REPEATS, RULES, Splits, split, unlabelled

GROUPS = (
    "sms_spam_collection/all",
    "spamassassin/easy_ham",
    "spamassassin/spam_2",
    "enron_spam/enron1",
    "enron_spam/enron2",
    "enron_spam/enron4",
    "enron_spam/enron5",
    "youtube_spam/Psy",
    "youtube_spam/LMFAO",
)
# Few texts and many documents, so that texts repeat within sets and across them.
TEXTS = st.sampled_from(
    [f"{word} {number}{mark}" for word in ("Win", "win", "hi") for number in range(12) for mark in "!?"]
)
DOCUMENTS = st.lists(st.builds(Document, st.text(max_size=3), TEXTS, st.sampled_from([0, 1]), st.sampled_from(GROUPS)))


def keys(documents: list[Document]) -> set[str]:
    return {key(document.text) for document in documents}


def no_key_is_shared(splits: Splits) -> None:
    test = set().union(*map(keys, splits.tests.values())) if splits.tests else set()
    assert not keys(splits.train) & keys(splits.validation)
    assert not keys(splits.train) & test
    assert not keys(splits.validation) & test
    assert len(keys(splits.train)) == len(splits.train)
    assert len(keys(splits.validation)) == len(splits.validation)


@given(DOCUMENTS)
def test_no_key_stands_on_two_sides(documents: list[Document]) -> None:
    splits = split(documents)
    no_key_is_shared(splits)
    for name, found in splits.tests.items():
        if not name.endswith(REPEATS):
            assert len(keys(found)) == len(found)


@given(DOCUMENTS)
def test_a_held_out_corpus_is_the_validation_and_leaves_train(documents: list[Document]) -> None:
    splits = split(documents, ["enron_spam/enron4"])
    no_key_is_shared(splits)
    assert {document.group for document in splits.validation} <= {"enron_spam/enron4"}
    assert not any(document.group == "enron_spam/enron4" for document in splits.train)


@given(DOCUMENTS)
def test_no_text_is_lost_but_to_its_copy(documents: list[Document]) -> None:
    splits = split(documents)
    kept = keys(splits.train) | keys(splits.validation) | set().union(*map(keys, splits.tests.values()), set())
    assert kept == keys(documents)


def test_enron_is_held_out_by_pairs_and_youtube_by_video() -> None:
    documents = [Document(group, f"only here {group}", 0, group) for group in GROUPS]
    tests = split(documents).tests
    assert {document.group for document in tests["enron_spam"]} == {"enron_spam/enron2", "enron_spam/enron5"}
    assert {document.group for document in tests["youtube_spam"]} == {"youtube_spam/LMFAO"}


def test_a_mail_of_another_corpus_s_test_leaves_train() -> None:
    twins = [
        Document("1", "Re: lunch", 0, "spamassassin/easy_ham"),
        Document("2", "re : lunch", 0, "enron_spam/enron2"),
    ]
    splits = split(twins)
    assert not splits.train
    assert not splits.validation
    assert [document.id for document in splits.tests["enron_spam"]] == ["2"]


def test_sms_are_scored_without_and_with_repeats() -> None:
    texts = [f"message {i}" for i in range(100)]
    splits = split(Document(str(i), text, 0, GROUPS[0]) for i, text in enumerate(texts + texts))
    once, twice = splits.tests["sms_spam_collection"], splits.tests["sms_spam_collection" + REPEATS]
    assert len(twice) == 2 * len(once) > 0


def test_an_official_test_is_kept_whole() -> None:
    documents = [Document("a", "Fine.", 1, "aclimdb/test"), Document("b", "fine", 1, "aclimdb/test")]
    assert len(split([*documents, Document("c", "FINE", 1, "aclimdb/train")]).tests["aclimdb"]) == 2
    assert RULES["aclimdb"].official


def test_texts_without_letters_or_digits_teach_nothing_and_are_left_out() -> None:
    splits = split([Document("1", "\n!!", 1, "enron_spam/enron1")])
    assert splits == Splits([], [], {})


def test_reviews_of_one_film_stand_on_one_side() -> None:
    reviews = [Document(str(i), f"review {i}", 0, "aclimdb/train", kin=f"tt{i % 40}") for i in range(400)]
    splits = split(reviews)
    films = [{document.kin for document in side} for side in (splits.train, splits.validation)]
    assert not films[0] & films[1]
    assert len(films[1]) > 0


def test_sst_is_split_as_published_and_its_phrases_only_train() -> None:
    parts = ("train", "sentences_train", "sentences_dev", "sentences_test")
    documents = [Document(f"{part}{i}", f"{part} {i}", i % 2, f"sst2/{part}") for part in parts for i in range(200)]
    splits = split([*documents, Document("twin", "Sentences_Test 7 !", 1, "sst2/train")])
    assert {document.group for document in splits.train} == {"sst2/train", "sst2/sentences_train"}
    assert {document.group for document in splits.validation} == {"sst2/sentences_dev"}
    assert {document.group for document in splits.tests["sst2"]} == {"sst2/sentences_test"}
    assert "twin" not in {document.id for document in splits.train}
    assert len(splits.train) == 400


def test_rt_polarity_never_stands_beside_sst() -> None:
    with pytest.raises(DataError, match="rt_polarity and sst2 hold the same sentences"):
        split([Document("1", "good", 1, "sst2/sentences_test"), Document("2", "bad", 0, "rt_polarity/all")])


def test_ten_folds_of_rt_polarity_test_every_text_once() -> None:
    documents = [Document(str(i), f"text {i}", 0, "rt_polarity/all") for i in range(500)]
    folds = [split(documents, fold=fold) for fold in range(10)]
    for found in folds:
        no_key_is_shared(found)
    tested = sorted(document.id for found in folds for document in found.tests["rt_polarity"])
    assert tested == sorted(document.id for document in documents)
    assert min(len(found.tests["rt_polarity"]) for found in folds) > 25


def test_unlabelled_texts_that_stand_on_a_side_are_dropped() -> None:
    known = [Document(part, f"known {part}", 1, f"aclimdb/{part}") for part in ("train", "test")]
    texts = ("Known: test", "known train", "new", "NEW!", "...")
    found = [Document(text, text, -1, "aclimdb/unsup") for text in texts]
    assert [document.id for document in unlabelled(found, split(known))] == ["new"]
