"""Teachers: what they believe of texts without labels, and that a student learns from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.artefact import Artefact, load
from models.families import build
from models.predictor import Advance, Predictor
from models.wide import Wide
from tests.training import toy
from training import recipe, teacher, wide
from training.corpus import example
from training.documents import Document
from training.errors import RecipeError
from training.train import train

CPU = torch.device("cpu")


def linear() -> Wide:
    made = build("gru", words=3, classes=2, sizes={"embedding": 2, "hidden": 2, "wide": True})
    assert isinstance(made, Wide)
    return made


def test_the_linear_path_believes_what_it_saw_and_no_more() -> None:
    """Word 1 stands in class 1 nine times of ten, word 2 in class 0; word 3 says nothing."""
    data = [example([[3, 1 if (i % 2) != (i % 20 < 2) else 2]], i % 2) for i in range(400)]
    model = linear()
    opinion = teacher.linear(model, wide.linear(model, data), data, [example([[3, i]], 0) for i in (1, 2, 3)])
    likely, unlikely, unknown = teacher.together([opinion], np.array([i % 2 for i in range(400)]))
    assert likely[1] == pytest.approx(0.9, abs=0.02)
    assert unlikely[1] == pytest.approx(0.1, abs=0.02)
    assert unknown[1] == pytest.approx(0.5, abs=0.1)
    assert likely.sum() == pytest.approx(1)


def test_teachers_that_err_differently_are_better_together() -> None:
    """Two of three know the class through noise of their own, on scales of their own; the third knows nothing."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 2, 4000)
    signs = 2.0 * labels - 1
    logits = [10 * (signs + chance.normal(size=4000)), signs + chance.normal(size=4000), chance.normal(size=4000)]
    opinions = [teacher.Opinion(of[:2000, None], of[2000:, None]) for of in logits]

    def right(*chosen: teacher.Opinion) -> float:
        return float((teacher.together(chosen, labels[:2000]).argmax(axis=1) == labels[2000:]).mean())

    assert right(*opinions) > max(right(one) for one in opinions) + 0.05
    assert right(opinions[2]) < 0.6


def test_beliefs_are_learnt_from_in_place_of_a_label() -> None:
    (taught,) = teacher.believed([example([[1], [2, 3]], -1)], np.array([[0.75, 0.25]]))
    assert taught.targets.tolist() == [0, 0]
    assert taught.beliefs == (0.75, 0.25)


def test_an_artefact_believes_what_it_answers(trained: Path) -> None:
    texts = ("A wonderful film. I loved it.", "A waste.")
    documents = [Document(text, text, -1, "aclimdb/unsup") for text in texts]
    opinion = teacher.artefact(trained, ("negative", "positive"), (documents[:1], documents), CPU)
    assert opinion.validation[0] == pytest.approx(opinion.unlabelled[0])
    for text, beliefs in zip(texts, np.exp(opinion.unlabelled), strict=True):
        (answer,) = Predictor(load(trained)).advance([(None, [s + "." for s in text.rstrip(".").split(". ")])])
        assert isinstance(answer, Advance)
        assert beliefs.tolist() == pytest.approx(answer.steps[-1].probabilities)


def test_a_teacher_of_another_task_is_refused(trained: Path) -> None:
    with pytest.raises(RecipeError, match="tells negative, positive, wanted ham, spam"):
        teacher.artefact(trained, ("ham", "spam"), ([], []), CPU)


def weighed(of: Artefact) -> int:
    """How many words and pairs the linear path has something to say of."""
    assert isinstance(of.classifier, Wide)
    return int(of.classifier.table.weight.any(dim=1).sum())


def test_a_student_learns_from_texts_that_nobody_labelled(data_dir: Path, trained: Path, tmp_path: Path) -> None:
    """Each teacher, and both; the same seed gives the same student, and another one than without a teacher. Its
    linear path learns from them too."""
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=2", "sizes.wide=true", "calibrated_on=aclimdb"])
    alone = train(chosen, data_dir, tmp_path / "alone", device=CPU, trial=True)
    for names in (("linear",), (str(trained),), ("linear", str(trained))):
        taught = replace(chosen, teacher=names)
        first, again = (train(taught, data_dir, tmp_path / side, device=CPU, trial=True) for side in ("first", "again"))
        assert first.digest == again.digest != alone.digest
        assert weighed(first) > weighed(alone)
