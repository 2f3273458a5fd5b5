"""Teachers: what they believe of texts without labels, and that a student learns from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.artefact import load
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
    made = build("gru", words=3, classes=2, sizes={"embedding": 2, "hidden": 2, "wide": "root"})
    assert isinstance(made, Wide)
    return made


def test_the_linear_path_believes_what_it_saw_and_no_more() -> None:
    """Word 1 stands in class 1 nine times of ten, word 2 in class 0; word 3 says nothing."""
    data = [example([[3, 1 if (i % 2) != (i % 20 < 2) else 2]], i % 2) for i in range(400)]
    model = linear()
    tried = wide.linear(model, data)
    likely, unlikely, unknown = teacher.linear(model, tried, data, [example([[3, i]], 0) for i in (1, 2, 3)])
    assert likely[1] == pytest.approx(0.9, abs=0.02)
    assert unlikely[1] == pytest.approx(0.1, abs=0.02)
    assert unknown[1] == pytest.approx(0.5, abs=0.1)
    assert likely.sum() == pytest.approx(1)


def test_beliefs_are_learnt_from_in_place_of_a_label() -> None:
    (taught,) = teacher.believed([example([[1], [2, 3]], -1)], np.array([[0.75, 0.25]]))
    assert taught.targets.tolist() == [0, 0]
    assert taught.beliefs == (0.75, 0.25)


def test_an_artefact_believes_what_it_answers(trained: Path) -> None:
    texts = ("A wonderful film. I loved it.", "A waste.")
    documents = [Document(text, text, -1, "aclimdb/unsup") for text in texts]
    found = teacher.artefact(trained, ("negative", "positive"), documents, CPU)
    for text, beliefs in zip(texts, found, strict=True):
        (answer,) = Predictor(load(trained)).advance([(None, [s + "." for s in text.rstrip(".").split(". ")])])
        assert isinstance(answer, Advance)
        assert beliefs.tolist() == pytest.approx(answer.steps[-1].probabilities)


def test_a_teacher_of_another_task_is_refused(trained: Path) -> None:
    with pytest.raises(RecipeError, match="tells negative, positive, wanted ham, spam"):
        teacher.artefact(trained, ("ham", "spam"), [], CPU)


def test_a_student_learns_from_texts_that_nobody_labelled(data_dir: Path, trained: Path, tmp_path: Path) -> None:
    """Both teachers; the same seed gives the same student, and another one than without a teacher."""
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=2", "sizes.wide=root", "calibrated_on=aclimdb"])
    alone = train(chosen, data_dir, tmp_path / "alone", device=CPU, trial=True)
    for name in ("linear", str(trained)):
        taught = replace(chosen, teacher=name)
        first, again = (train(taught, data_dir, tmp_path / side, device=CPU, trial=True) for side in ("first", "again"))
        assert first.digest == again.digest != alone.digest
