"""Cross-validation: every text is scored once and unseen, a cut comes from validation alone, a fold is made once."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training import topics, toy
from tests.training.once import made_once
from training import checkpoint, folds
from training.__main__ import main
from training.documents import Document, key
from training.folds import BEST, row
from training.outcome import Outcome
from training.score import Scores
from training.splits import split

LEARNERS = {"ours", "bag of words, logistic regression", "NB-weighted logistic regression, uni- and bigrams"}


def mails(folder: Path) -> Path:
    """Eighty messages of each label, of which one stands there twice, and a recipe for them."""
    rows = [
        (f"{toy.PLAIN[i % 10]} {told[i % 4]} Message {i}.", label)
        for label, told in (("ham", toy.GOOD), ("spam", toy.BAD))
        for i in range(80)
    ]
    path = folder / "mails.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows, rows[0]])
    recipe = topics.recipe(folder, path)
    recipe.write_text('labels = ["ham", "spam"]\n' + recipe.read_text("utf-8"), "utf-8")
    return recipe


@pytest.mark.parametrize("number", [3, 5, 10])
def test_every_text_is_in_the_test_of_one_fold(number: int) -> None:
    documents = [Document(str(i), f"text {i}", i % 2, "sms_spam_collection/all") for i in range(600)]
    mailboxes = [Document(f"e{i}", f"mail {i}", i % 2, f"enron_spam/enron{i % 2 + 1}") for i in range(100)]
    tested = []
    for fold in range(number):
        found = split(documents + mailboxes, fold=fold, folds=number)
        test = found.tests["sms_spam_collection"]
        assert len(test) == pytest.approx(600 / number, rel=0.4)
        assert not {key(d.text) for d in test} & {key(d.text) for d in found.train + found.validation}
        assert {d.group for d in found.tests["enron_spam"]} == {"enron_spam/enron2"}
        assert 0.06 < len([d for d in found.validation if d.set == "sms_spam_collection"]) / 600 < 0.14
        tested += [d.id for d in test]
    assert sorted(tested) == sorted(d.id for d in documents)


def test_a_cut_is_chosen_on_validation_and_scores_are_pooled() -> None:
    """Two folds: the best cut of the first one's validation is between 0.2 and 0.4, of the other one's at 0.7."""

    def scores(labels: list[int], positive: list[float]) -> Scores:
        return Scores.ends(np.array(labels), np.stack([1 - np.array(positive), positive], axis=1))

    test = scores([0, 0, 1, 1], [0.1, 0.35, 0.62, 0.25])
    first = Outcome("1", "ours", 30.0, {"x": scores([0, 1], [0.2, 0.4])}, {"x": test})
    other = Outcome("2", "ours", 90.0, {"x": scores([0, 1], [0.6, 0.8])}, {"x": scores([0, 1], [0.65, 0.75])})
    found = row("x", BEST, [first, other])
    assert (found["folds"], found["documents"], found["of"], found["CPU seconds"]) == (2, 6, 3, 120.0)
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["accuracy +-"] == pytest.approx(np.std([0.5, 1.0], ddof=1))
    assert (found["false positives"], found["recall"]) == (1, pytest.approx(2 / 3))
    assert found["ROC AUC"] == pytest.approx(6 / 9)
    strict = row("x", "0.001", [first, other])  # halfway from the one negative to certainty: 0.6 and 0.8
    assert (strict["false positives"], strict["recall"]) == (0, pytest.approx(1 / 3))


def test_folds_of_ones_own_file_are_made_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    arguments = ["folds", str(mails(tmp_path)), "epochs=12", "patience=12", "--folds", "2", "--output", str(out)]
    lines = made_once(arguments, out, monkeypatch, capsys)
    assert [line for line in lines if line.startswith("mails.csv")] == [
        f"mails.csv; cut chosen on the validation of each fold: {told}"
        for told in ("the most accurate one", *(f"at most {r} false positives" for r in ("1.0%", "0.5%", "0.1%")))
    ]
    with (out / "folds.csv").open(newline="") as file:
        rows: list[dict[str, Any]] = [r for r in csv.DictReader(file) if r["cut"] == BEST]
    assert {r["row"] for r in rows} >= LEARNERS
    for r in rows:
        assert (r["documents"], r["of"], r["folds"]) == ("160", "80", "2")
        assert float(r["accuracy"]) > 0.8, r["row"]
        assert float(r["ROC AUC"]) > 0.9
    kept = json.loads((out / "fold-1-of-2" / "ours" / "row.json").read_text())["rows"]
    assert [r["side"] for r in kept] == ["validation", "test"]
    with pytest.raises(AssertionError, match="made again"):
        main([*arguments[:2], "seed=5", *arguments[2:]])


def test_ctrl_c_costs_an_epoch_at_most(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped once the first epoch is on disk, and called again, it goes on with the second; the cost is of both."""
    save, saved = checkpoint.save, []

    def stopped(*given: Any) -> None:
        save(*given)
        saved.append(len(given[4].curve))
        if len(saved) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save", stopped)
    monkeypatch.setattr(folds, "baselines", lambda *_: {})
    out = tmp_path / "out"
    arguments = ["folds", str(mails(tmp_path)), "epochs=2", "--folds", "2", "--output", str(out)]
    assert main(arguments) == 130
    assert capsys.readouterr().err.endswith("\nfolds: stopped\n")
    own = out / "fold-1-of-2" / "ours"
    before = checkpoint.curve(own)
    before[0]["cpu_seconds"] += 100.0  # as a longer one would have had
    monkeypatch.setattr(checkpoint, "curve", lambda folder: before if folder == own else [])
    assert main(arguments) == 0
    assert saved == [1, 2, 1, 2]
    seconds = [json.loads(p.read_text())["rows"][0]["seconds"] for p in sorted(out.glob("*/*/row.json"))]
    assert seconds[0] > 100 > seconds[1]
    assert not list(out.glob(f"*/*/{checkpoint.FILE}"))


def test_three_labels_have_the_most_probable_one() -> None:
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.4, 0.3, 0.3]])
    found = row("x", BEST, [Outcome("1", "ours", 0.0, {}, {"x": Scores.ends(np.array([0, 1, 2]), p)})])
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert "ROC AUC" not in found


@pytest.mark.parametrize(
    ("arguments", "message"), [(["--folds", "1"], "wanted 2 or more"), (["fold=1"], "leave them out"), ([], "no folds")]
)
def test_what_cannot_be_cut_is_refused(
    arguments: list[str], message: str, tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["folds", str(toy.recipe(tmp_path)), *arguments, "--data-dir", str(data_dir)]) == 1
    assert message in capsys.readouterr().err


def test_a_fold_without_a_label_to_learn_from_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "two.csv"
    path.write_text("text,label\nA joy.,good\nA waste.,bad\n", "utf-8")
    assert main(["folds", str(topics.recipe(tmp_path, path)), "--output", str(tmp_path / "out")]) == 1
    assert "wanted some of every label" in capsys.readouterr().err
