"""Parts of a text: whole sentences, nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from models.sentences import split
from tests.training import toy
from training import recipe, sources, teacher
from training.corpus import Example
from training.documents import Document
from training.parts import parts
from training.publishers import write
from training.score import Floats
from training.train import train

TEXT = "One. Two is longer. Three! And four?\n\nFive."


def texts(text: str, most: int) -> list[str]:
    return [part.text for part in parts([Document("1", text, -1, "set/part")], most)]


def test_halves_and_thirds_are_whole_sentences_and_all_of_them() -> None:
    assert texts(TEXT, 1) == []
    assert texts(TEXT, 2) == ["One. Two is longer. ", "Three! And four?\n\nFive."]
    halves, thirds = texts(TEXT, 3)[:2], texts(TEXT, 3)[2:]
    assert halves == texts(TEXT, 2)
    assert len(thirds) == 3
    whole = [sentence.text for sentence in split(TEXT)]
    for cut in (halves, thirds):
        assert "".join(cut) == TEXT
        assert [sentence.text for part in cut for sentence in split(part)] == whole


def test_a_text_is_cut_into_no_more_parts_than_it_has_sentences() -> None:
    assert texts("One.", 3) == []
    assert texts("One. Two.", 3) == ["One. ", "Two."]


def test_a_part_without_words_teaches_nothing_and_is_left_out() -> None:
    assert [sentence.text for sentence in split("One.\n\n***")] == ["One.", "***"]
    assert texts("One.\n\n***", 2) == ["One.\n\n"]


def test_teachers_are_asked_about_the_parts_as_well_and_a_student_learns_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = toy.films(tmp_path)
    rows = [{"id": f"unsup/{i}", "text": f"Scene {i} was dull. Scene {i} was fun.", "label": -1} for i in range(9)]
    write(data_dir / "aclimdb" / "unsup.jsonl.gz", rows)
    made, asked = [], []
    real = teacher.believed

    def believed(examples: Sequence[Example], probabilities: Floats) -> list[Example]:
        asked.append(len(examples))
        return real(examples, probabilities)

    monkeypatch.setattr(teacher, "believed", believed)
    for number in (1, 2):
        overrides = ["epochs=2", "sizes.wide=true", "teacher=linear", f"parts={number}"]
        chosen = recipe.load(toy.recipe(tmp_path), overrides)
        made.append(train(chosen, data_dir, tmp_path / str(number), device=torch.device("cpu"), trial=True))
        found = sources.splits(chosen, sources.documents(chosen, data_dir), data_dir).unlabelled
        assert [d.text for d in found[:9]] == [row["text"] for row in rows]
        assert [d.text for d in found[9:11]] == ["Scene 0 was dull. ", "Scene 0 was fun."][: 2 * (number - 1)]
    assert asked == [9, 27]
    assert made[0].digest != made[1].digest
