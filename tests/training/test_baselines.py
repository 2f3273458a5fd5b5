"""The baselines: the weights of their words, that they learn, and what is said where one is missing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyss3 import SS3
from sklearn.feature_extraction import DictVectorizer

from tests.training.topics import texts as topics
from tests.training.toy import texts
from training import bogofilter, fast_text, ss3
from training.baselines import APART, BAG, NB, STREAMING, STRENGTHS, Classify, baselines, identity, log_count_ratios
from training.corpus import sentences
from training.documents import Document
from training.earliness import accuracy

FILMS = [Document("", text, label, "x/y") for label in (0, 1) for text in texts(label)]


def right(classify: Classify | None, documents: list[Document]) -> float:
    assert classify is not None
    scores = classify(documents)
    assert scores.labels.tolist() == [document.label for document in documents]
    np.testing.assert_allclose(scores.last.sum(axis=1), 1)
    return accuracy(scores.labels, scores.last)


def test_log_count_ratios_by_hand() -> None:
    counts = DictVectorizer().fit_transform([{"a": 1.0}, {"a": 1.0, "b": 1.0}, {"b": 1.0}])
    p, q = np.array([3, 2]), np.array([1, 2])  # 1 + counts of class 1 and class 0
    wanted = np.log(p / p.sum()) - np.log(q / q.sum())
    assert log_count_ratios(counts, np.array([1, 1, 0])) == pytest.approx(wanted)


def test_all_learn_the_films() -> None:
    found = baselines(("negative", "positive"))
    assert set(found) == {BAG, NB, fast_text.NAME, STREAMING}
    for learn in found.values():
        assert right(learn(FILMS[::2], FILMS[1::4]), FILMS[1::2]) > 0.9


def test_all_learn_three_topics() -> None:
    names = ("cooking", "sport", "weather")
    documents = [Document("", text, names.index(label), "x/y") for text, label in topics()]
    for learn in baselines(names).values():
        assert right(learn(documents[::2], documents[1::2]), documents[1::2]) > 0.9


@pytest.mark.parametrize(("name", "longest"), [(BAG, 1), (NB, 2)])
def test_validation_chooses_a_linear_models_strength(name: str, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rare word that is always right is believed by one that learnt freely only."""
    mostly = [Document("", "often", int(i % 10 > 0), "x/y") for i in range(1000)]
    seldom = [Document("", "often seldom", 0, "x/y")] * 3
    weak, strong = 1e-4, 1e4
    monkeypatch.setitem(STRENGTHS, longest, (weak, strong))
    for label, sign in ((0, -1), (1, 1)):  # validation says what "seldom" is worth
        classify = baselines(("a", "b"))[name](mostly + seldom, [seldom[0]._replace(label=label)])
        assert classify is not None
        assert sign * (classify(seldom).last[0, 1] - 0.5) > 0
    assert str(strong) in identity(name)


def test_a_set_by_itself_is_not_confused_by_another() -> None:
    """What is good of a book is bad of a film."""
    learnt = [
        Document("", f"{word} {i}", int((word == "long") == (of == "books")), f"{of}/all")
        for of in ("books", "films", "films")
        for word in ("long", "short")
        for i in range(40)
    ]
    found = baselines(("negative", "positive"), ("books", "films"))
    assert APART not in baselines(("negative", "positive"), ("books",))
    assert right(found[APART](learnt, learnt), learnt) == 1
    assert right(found[NB](learnt, learnt), learnt) < 0.9


def test_fast_text_is_the_same_each_time() -> None:
    first, second = (fast_text.learn(FILMS[::2], FILMS[1::4]) for _ in range(2))
    assert first
    assert second
    assert (first(FILMS[1::2]).last == second(FILMS[1::2]).last).all()


def test_a_rate_at_which_fast_text_runs_away_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_text, "RATES", (0.25, 1e9))
    found = fast_text.learn(FILMS[::2], FILMS[1::4])
    assert found
    assert np.isfinite(found(FILMS[1::2]).last).all()
    monkeypatch.setattr(fast_text, "RATES", (1e9,))
    assert fast_text.learn(FILMS[::2], FILMS[1::4]) is None


def test_ss3_of_a_prefix_is_the_sum_of_its_sentences() -> None:
    model = SS3()
    model.train([d.text for d in FILMS], [str(d.label) for d in FILMS], leave_pbar=False)
    columns = [int(name) for name in model.get_categories()]
    scores = ss3.learn(FILMS)(FILMS[:3])
    for document, found in zip(FILMS, scores.probabilities, strict=False):
        cut = sentences([document])[0]
        assert len(found) == 1 + len(cut)
        for read in range(1, 1 + len(cut)):
            whole = np.array(model.classify(" ".join(cut[:read]), sort=False))[np.argsort(columns)] + ss3.NOTHING
            assert found[read] == pytest.approx(whole / whole.sum(), abs=1e-6)


@pytest.mark.tools
def test_bogofilter_learns_spam_from_ham() -> None:
    spam = [Document("", f"Prize {i}\nClaim your free prize number {i} now!", 1, "x/y") for i in range(40)]
    ham = [Document("", f"Lunch {i}\nShall we meet at the office {i} today?", 0, "x/y") for i in range(40)]
    learn = baselines(bogofilter.LABELS)[bogofilter.NAME]
    assert (
        right(
            learn([*ham[::2], *spam[::2]], [ham[1], spam[1]]),
            [*ham[1::2], *spam[1::2], Document("", "free prize", 1, "x/y")],
        )
        == 1
    )


def test_without_the_program_there_is_no_bogofilter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bogofilter.learn(FILMS) is None


def test_a_bogofilter_that_fails_is_not_taken_for_one_that_says_ham(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bogofilter"
    program.write_text("#!/bin/sh\necho broken >&2; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="ended with 3: broken"):
        bogofilter.learn(FILMS)
