"""The cards of what is shipped say what today's code makes of their reports."""

from __future__ import annotations

import json

import pytest

from models import shipped
from models.artefact import CARD, REPORT
from training.card import page


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_a_shipped_card_is_that_of_its_report(name: str) -> None:
    folder = shipped.folder(name)
    assert (folder / CARD).read_text("utf-8") == page(json.loads((folder / REPORT).read_text("utf-8")))
