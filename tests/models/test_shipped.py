"""What comes along is found by name, by path and by task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from models import shipped
from models.artefact import REPORT, digest

MOST_BYTES: Final = 10_000_000
LEAST: Final = {"sentiment-gru": {"aclimdb": 0.925}, "sentiment-conv1d": {"aclimdb": 0.915}}
"""Accuracy on a test. The spam models miss what they were asked for, as README.md and training/LOG.md say."""


def test_the_defaults_come_along_and_each_task_has_a_first_one() -> None:
    assert set(shipped.DEFAULTS) <= set(shipped.names())
    assert shipped.first("spam") == "spam-gru"
    assert shipped.first("spam", ["sentiment-gru", "spam-conv1d"]) == "spam-conv1d"
    assert shipped.first("span") is None


def test_a_path_is_a_path_and_a_name_a_shipped_model(tmp_path: Path) -> None:
    assert shipped.folder("spam-gru") == shipped.PRETRAINED / "spam-gru"
    assert shipped.folder(str(tmp_path)) == tmp_path
    (tmp_path / "config.toml").write_text("task = ")
    assert shipped.task_of(str(tmp_path)) is None


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_what_comes_along_is_small(name: str) -> None:
    assert sum(path.stat().st_size for path in shipped.folder(name).iterdir()) <= MOST_BYTES


@pytest.mark.parametrize("name", shipped.DEFAULTS)
def test_what_comes_along_is_as_accurate_as_was_asked(name: str) -> None:
    report = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))
    assert report["digest"] == digest(shipped.folder(name)), "the report is that of other weights"
    for test, least in LEAST.get(name, {}).items():
        assert report["test"][test]["accuracy"] >= least, f"training/recipes/{name}.toml has to do better on {test}"


def reported(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((shipped.folder(name) / REPORT).read_text("utf-8"))
    return found


@pytest.mark.parametrize(
    ("name", "test", "sentences"),
    [
        *((f"sentiment-{family}", "aclimdb", ("1", "2", "3", "5", "8", "13", "end")) for family in ("gru", "conv1d")),
        # Before the third sentence there is a subject, and other mailboxes have another base rate: training/LOG.md.
        *((f"spam-{family}", "enron_spam", ("3", "5", "8", "13", "end")) for family in ("gru", "conv1d")),
    ],
)
def test_a_probability_is_what_it_says_wherever_enough_documents_tell(
    name: str, test: str, sentences: Sequence[str]
) -> None:
    for read in sentences:
        found = reported(name)["test"][test]["calibration_error"][read]
        assert found["documents"] >= 5_000
        assert found["error"] <= 0.02, f"{name} after {read} sentences of {test}"


@pytest.mark.parametrize("name", ["spam-gru", "spam-conv1d"])
def test_spam_in_disguise_is_found_as_it_would_be_without(name: str) -> None:
    rules = reported(name)["rewritten"]["disguises"]
    assert len(rules) == 6
    for rule, of in rules.items():
        lost = (of["spam"]["before"] - of["spam"]["after"]) / of["spam"]["documents"]
        assert lost <= 0.05, f"{name} loses {lost:.1%} of the spam to {rule}"


@pytest.mark.parametrize("name", ["spam-gru", "spam-conv1d"])
def test_text_messages_by_themselves_are_told_as_well_as_was_asked(name: str) -> None:
    """Out of fold, the cut chosen inside; the recipe less what several sets want, as the card's command says."""
    known = reported(name).get("beyond", {})
    assert "folds" in known, "it was trained again: put its folds into its card, see README.md, Train your own"
    rows = known["folds"]["rows"]
    (ours,) = [row for row in rows if row["row"] == "ours" and row["cut"] == "most accurate"]
    assert (ours["set"], ours["folds"]) == ("sms_spam_collection", 5)
    assert ours["accuracy"] >= 0.99
    assert ours["false positives"] <= 9
