"""The cards of what is shipped say what today's code makes of their reports."""

from __future__ import annotations

import csv
import json

import pytest

from models import shipped
from models.artefact import CARD, REPORT
from training import log
from training.card import page


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_a_shipped_card_is_that_of_its_report(name: str) -> None:
    folder = shipped.folder(name)
    assert (folder / CARD).read_text("utf-8") == page(json.loads((folder / REPORT).read_text("utf-8")))


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_a_shipped_model_has_the_curve_of_its_report(name: str) -> None:
    with (shipped.folder(name) / log.FILE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    curve = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))["learning_curve"]
    for row, entry in zip(rows, curve, strict=True):
        assert {key: float(value) for key, value in row.items()} == pytest.approx(entry, rel=1e-5)
