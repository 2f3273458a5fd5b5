"""A set left out is the test, whole, and nothing of it is learnt from; all learn from the same; the interval is that of
paired draws."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training import toy
from tests.training.once import made_once
from training import leave_out, outcome, sources
from training.__main__ import main
from training.baselines import BAG, NB
from training.documents import Document, key
from training.leave_out import NEGATIVES, difference, recall, row
from training.outcome import Outcome
from training.publishers import write
from training.recipe import Recipe, load
from training.score import Scores

SPAM = (
    "sms_spam_collection/all",
    "spamassassin/spam_2",
    *(f"enron_spam/enron{i}" for i in (1, 2, 4, 5)),
    "youtube_spam/LMFAO",
)


def two_sets(data_dir: Path) -> Path:
    """The films, and sentences of critics whose first is one of the films' texts."""
    toy.films(data_dir)
    told = [toy.rows("train")[0]["text"], *(f"{toy.GOOD[i % 4]} {i}" for i in range(30))]
    told += [f"{toy.BAD[i % 4]} {i}" for i in range(30)]
    rows = [{"id": str(i), "text": text, "label": int(0 < i <= 30)} for i, text in enumerate(told)]
    write(data_dir / "rt_polarity" / "all.jsonl.gz", rows)
    return data_dir


@pytest.fixture
def corpora(monkeypatch: pytest.MonkeyPatch) -> list[Document]:
    """Five hundred texts of each group; one of enron2 stands in the messages too, and one twice in enron2."""
    texts = [Document(f"{group}/{i}", f"{group} {i}", i % 2, group) for group in SPAM for i in range(500)]
    copies = [
        Document("copy", texts[SPAM.index("enron_spam/enron2") * 500].text + "!", 0, g) for g in (SPAM[0], SPAM[3])
    ]
    documents = [*texts, *copies]
    monkeypatch.setattr(sources, "documents", lambda *_: documents)
    return documents


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("sms_spam_collection", SPAM[:1]),
        ("enron_spam", SPAM[2:6]),
        ("youtube_spam", SPAM[-1:]),
        ("enron2+enron5", ("enron_spam/enron2", "enron_spam/enron5")),
    ],
)
def test_a_set_is_left_out_whole_and_all_else_teaches(
    name: str, groups: tuple[str, ...], corpora: list[Document], tmp_path: Path
) -> None:
    recipe = Recipe("spam", "gru", ("sms_spam_collection", "spamassassin", "enron_spam", "youtube_spam"))
    splits = next(hold for hold in leave_out.holds(recipe, tmp_path) if hold.name == name).splits
    (test,) = splits.tests.values()
    wanted = {key(d.text) for d in corpora if d.group in groups}
    assert len(test) == len(wanted) >= 500
    assert {key(d.text) for d in test} == wanted
    learnt = {key(d.text) for d in splits.train + splits.validation}
    assert learnt == {key(d.text) for d in corpora} - wanted
    assert len(learnt) == len(splits.train) + len(splits.validation)
    assert len(splits.validation) / len(learnt) == pytest.approx(0.1, abs=0.015)


def test_the_recipe_of_a_set_left_out_does_not_know_it(tmp_path: Path, corpora: list[Document]) -> None:
    path = Path("training/recipes/spam-gru.toml")
    for hold in leave_out.holds(load(path), tmp_path)[:-1]:
        named = hold.recipe.to_dict()
        for field in ("sets", "calibrated_on", "few_writers", "repeat"):
            assert hold.name not in named[field]
        assert set(hold.recipe.sets) | {hold.name} == set(load(path).sets)


def test_a_teacher_stays_while_there_are_texts_without_labels() -> None:
    chosen = load(Path("training/recipes/sentiment-gru.toml"))
    assert {name: leave_out._less(chosen, name).teacher for name in chosen.sets} == {
        "aclimdb": (),
        "sst2": chosen.teacher,
        "amazon_reviews": chosen.teacher,
    }
    assert chosen.teacher


def test_all_learn_from_the_same_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's passages of other sets too: a baseline without them would be another question."""
    learnt: dict[str, list[set[str]]] = {}

    def ours(_: Recipe, splits: Any, *__: Any) -> Any:
        learnt.setdefault("ours", []).append({d.id for d in splits.train})
        raise KeyboardInterrupt

    monkeypatch.setattr(outcome, "make", ours)
    chosen = load(toy.recipe(tmp_path), ['sets=["rt_polarity", "amazon_reviews"]', "others.aclimdb=10"])
    data_dir = two_sets(tmp_path / "data")
    words = (("Good", 1), ("Bad", 0))
    rows = [
        {"id": f"{w} {i}", "text": f"{w} book {i}", "label": of, "domain": "books"}
        for w, of in words
        for i in range(40)
    ]
    write(data_dir / "amazon_reviews" / "all.jsonl.gz", rows)
    hold = leave_out.holds(chosen, data_dir)[0]
    with pytest.raises(KeyboardInterrupt):
        outcome._train(hold, torch.device("cpu"), tmp_path)
    outcome._learn(hold, lambda train, _: learnt.setdefault("theirs", []).append({d.id for d in train}), tmp_path)
    assert learnt["ours"] == learnt["theirs"]
    assert sum(name.startswith("train/") for name in learnt["theirs"][0]) == 10


def test_a_row_for_each_set_made_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data_dir, out = toy.recipe(tmp_path), str(two_sets(tmp_path / "data")), tmp_path / "out"
    overrides = ['sets=["aclimdb", "rt_polarity"]', "epochs=2"]
    arguments = ["leave-out", str(path), *overrides, "--data-dir", data_dir, "--output", str(out)]
    _, head, *lines = [line.split() for line in made_once(arguments, out, monkeypatch, capsys)]
    with (out / "leave-out.csv").open(newline="") as file:
        written = {row["left out"]: row for row in csv.DictReader(file)}
    assert head[:2] == ["left", "out"]
    assert [line[0] for line in lines] == list(written) == ["aclimdb", "rt_polarity"]
    found = written["rt_polarity"]
    assert int(found["documents"]) == 61
    assert min(float(found[f"AUC {name}"]) for name in ("ours", "bag of words", "NB-weighted")) > 0.8
    assert 0 <= float(found["AUC fastText"]) <= 1
    assert found["AUC bogofilter"] == ""
    assert "bogofilter" not in head
    assert "fastText" in head
    between = float(found["95 % from"]), float(found["ours less bag"]), float(found["to"])
    assert between == tuple(sorted(between))
    assert float(found["CPU seconds"]) > 0
    assert (out / "leave-out.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "aclimdb" / "ours" / "weights.safetensors").is_file()


def test_who_is_not_installed_leaves_cells_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, data_dir, out = toy.recipe(tmp_path), str(toy.messages(tmp_path / "data")), tmp_path / "out"
    overrides = ["task=spam", 'sets=["sms_spam_collection", "youtube_spam"]', "epochs=1"]
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert main(["leave-out", str(path), *overrides, "--data-dir", data_dir, "--output", str(out)]) == 0
    with (out / "leave-out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["left out"] for row in rows] == ["sms_spam_collection", "youtube_spam"]
    assert [row["AUC bogofilter"] for row in rows] == ["", ""]
    assert min(float(row["AUC NB-weighted"]) for row in rows) > 0.9


@pytest.mark.parametrize("missing", [outcome.OURS, BAG, NB])
def test_a_row_wants_the_two_that_its_interval_is_of(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = {"all": Scores.ends(np.array([0, 1, 0, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.6, 0.4]]))}
    made = [Outcome("all", learner, 1.0, {}, scores) for learner in leave_out.SHORT if learner != missing]
    monkeypatch.setattr(leave_out, "outcomes", lambda *_: iter(made))
    monkeypatch.setattr(sources, "documents", lambda *_: [])
    monkeypatch.setattr(sources, "summaries", lambda *_: {})
    chosen = load(Path("training/recipes/spam-gru.toml"))
    rows = list(leave_out.leave_out(chosen, Path(), Path(), torch.device("cpu")))
    assert len(rows) == (missing == NB)
    assert not any("AUC NB-weighted" in row for row in rows)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs=1", "wanted two or more"),
        ("held_out=aclimdb/train", "leave them out of the recipe"),
        ("teacher=models/pretrained/sentiment-gru", "may have learnt from what is held out"),
    ],
)
def test_what_would_not_leave_a_set_out_is_refused(
    override: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leave-out", str(toy.recipe(tmp_path)), override, "--data-dir", str(tmp_path)]) == 1
    assert message in capsys.readouterr().err


def test_the_interval_holds_the_difference_and_knows_which_is_better() -> None:
    chance = np.random.default_rng(2)
    labels = chance.integers(0, 2, 1000)
    good, poor = labels + chance.normal(0, 0.7, 1000), labels + chance.normal(0, 2, 1000)
    low, high = difference(labels, good, poor)
    assert 0 < low < high < 0.5
    assert difference(labels, poor, good) == pytest.approx((-high, -low))
    assert difference(labels, good, good) == (0, 0)


def test_recalls_are_told_where_there_are_negatives_enough() -> None:
    labels = np.repeat([0, 1], [NEGATIVES, 4])
    positive = np.concatenate([np.linspace(0, 0.9, NEGATIVES), [0.1, 0.8956, 0.95, 1.0]])
    assert recall(labels, positive) == 0.75  # ten of 2,000 may be wrong
    scores = Scores.ends(labels, np.stack([1 - positive, positive], axis=1))
    for first, wanted in ((0, 0.75), (1, None)):
        some = {"all": scores.of(range(first, len(labels)))}
        found = row([Outcome("all", learner, 6.0, {}, some) for learner in leave_out.SHORT])
        assert found.get("recall ours") == found.get("recall NB-weighted") == wanted
        assert found["CPU seconds"] == pytest.approx(30)
