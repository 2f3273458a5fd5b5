"""Keys and shares: what makes two copies of a text the same, and where a text goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from training.documents import Document, key, share


@given(st.text(), st.text(alphabet=" \t\n.,;:!?-_<>/\u200b"))
def test_layout_and_punctuation_do_not_change_a_key(text: str, other: str) -> None:
    assert key(other + text + other) == key(text)
    assert key(key(text)) == key(text)


@given(st.text())
def test_a_share_is_in_the_unit_interval_and_stable(text: str) -> None:
    assert 0 <= share(text) < 1
    assert share(text) == share(text)


def test_a_share_is_the_same_on_every_machine() -> None:
    assert round(share("refreeentry"), 12) == 0.383533111707


def test_shares_are_spread_evenly() -> None:
    low = sum(share(str(i)) < 0.2 for i in range(5000))
    assert 900 < low < 1100


def test_a_document_knows_its_set() -> None:
    assert Document("1", "text", 0, "enron_spam/enron4").set == "enron_spam"
