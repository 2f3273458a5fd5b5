"""What is called spam before and after, counted by rule and label."""

from __future__ import annotations

import pytest

from models.predictor import Predictor
from tests.models import tiny
from training import rewriting, tables
from training.documents import Document
from training.score import score
from training.splits import REPEATS


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(tiny.artefact("gru"))


@pytest.fixture(scope="module")
def texts(predictor: Predictor) -> dict[bool, str]:
    """A text that is called spam, and one that is not."""
    documents = [Document("1", f"{word}.", 0, "set/part") for word in tiny.WORDS]
    called = score(predictor, documents).last[:, 1] >= rewriting.THRESHOLD
    return {bool(spam): document.text for document, spam in zip(documents, called, strict=True)}


def test_verdicts_that_turn_are_counted_one_by_one(predictor: Predictor, texts: dict[bool, str]) -> None:
    documents = [
        Document("1", texts[True], 1, "set/part"),
        Document("2", texts[False], 1, "set/part"),
        Document("3", texts[True] + " ", 1, "set/part"),
        Document("4", texts[False] + " ", 0, "set/part"),
        Document("5", "not for the rule", 0, "set/part"),
    ]
    turn = {texts[True]: texts[False], texts[False]: texts[True]}
    turn |= {texts[True] + " ": texts[False], texts[False] + " ": texts[False] + "  "}
    found = rewriting.counts(predictor, documents, {"turn": lambda document: turn.get(document.text)})
    assert found["turn"] == {
        "ham": {"documents": 1, "before": 0, "after": 0, "to_spam": 0, "to_ham": 0},
        "spam": {"documents": 3, "before": 2, "after": 1, "to_spam": 1, "to_ham": 2},
    }
    assert rewriting.decisive(found) == ["turn (100.0% of the spam)"]


def test_no_more_than_so_many_of_a_label_are_rewritten(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewriting, "MOST", 2)
    documents = [Document(str(i), "cat " * i, i % 2, "set/part") for i in range(1, 10)]
    found = rewriting.counts(predictor, documents, {"same": lambda document: document.text})
    assert [found["same"][label]["documents"] for label in ("ham", "spam")] == [2, 2]
    assert rewriting.decisive(found) == []


def test_what_has_no_room_is_left_out() -> None:
    predictor = Predictor(tiny.artefact("flattened"))
    rule = {"long": lambda document: document.text * (30_000 if document.id == "1" else 1)}
    documents = [Document("1", "cat ", 1, "set/part"), Document("2", "sat ", 1, "set/part")]
    assert rewriting.counts(predictor, documents, rule)["long"]["spam"]["documents"] == 1


def test_a_report_has_disguises_and_tells_and_a_card_shows_them(predictor: Predictor) -> None:
    mails = [
        Document(str(i), f"You won\nClick, {word} money!", i % 2, "spamassassin/x") for i, word in enumerate("abcd")
    ]
    found = rewriting.measured(predictor, {"spamassassin": mails, f"spamassassin{REPEATS}": mails})
    assert set(found) == {"threshold", "disguises", "tells"}
    assert {count["documents"] for _, _, count in rewriting.rows(found["disguises"])} == {2}
    assert len(found["tells"]) >= 8
    head, disguised, tells_head, tells = tables.rewritten({"rewritten": found})
    assert isinstance(head, str)
    assert head.startswith("## Disguised")
    assert isinstance(tells_head, str)
    assert tells_head.startswith("## Tells")
    assert disguised[0].count("|") == disguised[1].count("|") == disguised[2].count("|") == 8
    assert len(tells) == 2 + len(list(rewriting.rows(found["tells"])))
    assert tables.rewritten({}) == tables.rewritten({"rewritten": {}}) == []


def test_a_card_says_which_tells_decide() -> None:
    some = {"documents": 100, "before": 90, "after": 60, "to_spam": 0, "to_ham": 30}
    few = some | {"to_ham": 5}
    report = {"threshold": 0.5, "disguises": {}, "tells": {"a date": {"spam": some, "ham": few}}}
    assert "a date (30.0% of the spam)." in str(tables.rewritten({"rewritten": report})[2])
    report["tells"] = {"a date": {"ham": few}}
    assert "None turns more than one in twenty." in str(tables.rewritten({"rewritten": report})[2])
