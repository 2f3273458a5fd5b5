"""Passages of another task's texts: of so many, the same each time, and learnt from as the first label."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from models.sentences import split
from tests.training import toy
from training.documents import Document
from training.passages import LENGTHS, passages
from training.recipe import load
from training.train import train

REVIEWS = [Document(str(i), " ".join(f"Sentence {i} {s}." for s in range(12)), i % 2, "set/part") for i in range(60)]


def test_a_passage_is_some_sentences_of_a_text() -> None:
    found = passages(REVIEWS, 40, seed=1)
    assert len(found) == 40
    whole = {review.id: review.text for review in REVIEWS}
    assert all(passage.text in whole[passage.id] and passage.label == 0 for passage in found)
    assert {len(split(passage.text)) for passage in found} == set(LENGTHS)
    assert passages(reversed(REVIEWS), 40, seed=1) == found != passages(REVIEWS, 40, seed=2)


def test_a_short_text_and_one_without_words_are_no_trouble() -> None:
    assert [d.text for d in passages([Document("1", " One. ", 1, "s/p"), Document("2", "?!", 1, "s/p")], 9, 1)] == [
        "One."
    ]


def test_spam_is_told_from_ham_and_from_reviews(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(f"Win number {i} now! Click for free money {i % 7}.", "spam") for i in range(40)]
    rows += [(f"Meeting {i} is at noon. {toy.PLAIN[i % 10]}", "ham") for i in range(40)]
    with (tmp_path / "mail.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    path = toy.recipe(tmp_path)
    overrides = [
        "task=spam",
        "sets=[]",
        f"file={tmp_path / 'mail.csv'}",
        "others={aclimdb=15}",
        "vary=0.3",
    ]
    made = train(load(path, overrides), data_dir, tmp_path / "out", device=torch.device("cpu"))
    own = sum(made.report["splits"][side]["documents"] for side in ("train", "validation", "mail.csv"))
    assert own == 80 + 15
    assert made.report["splits"]["train"]["parts"]["aclimdb/train"] == 15
    assert {name for name in made.report["data"] if name.startswith("aclimdb/")} == {"aclimdb/train"}
    assert made.report["test"]["mail.csv"]["accuracy"] >= 0.9
    leet = made.report["rewritten"]["disguises"]["leet"]
    positives = made.report["splits"]["mail.csv"]["labels"]["spam"]
    assert leet["spam"]["documents"] == positives
    assert leet["spam"]["before"] >= 0.9 * positives
    assert leet["ham"]["documents"] == made.report["splits"]["mail.csv"]["documents"] - positives
    card = (tmp_path / "out" / "CARD.md").read_text()
    assert "## Disguised" in card
    assert "- **aclimdb**:" in card
    assert "| leet | spam |" in card
    assert "## Tells" not in card
