"""References: what goes into a report comes out as the shares that a histogram's buckets would have."""

from __future__ import annotations

import json

import pytest

from models.artefact import load
from models.predictor import Advance, Step
from models.reference import BOUNDS, binned, measured, shares, unknown_ratio
from models.shipped import PRETRAINED


def step(probability: float, words: int = 4, unknown: int = 0) -> Step:
    return Step((1 - probability, probability), 0.0, 0.0, words, unknown, b"")


def advance(*steps: Step) -> Advance:
    return Advance(b"", step(0.5, 0), list(steps), {})


def test_a_bound_belongs_to_its_bin_and_nothing_is_left_out() -> None:
    assert binned((0.05, 0.1), [0.0, 0.05, 0.050001, 0.1, 0.2, 7.0]) == [2, 2, 2]
    assert binned(BOUNDS["probability"], [0.15])[2] == 1


def test_what_is_measured_is_what_was_met() -> None:
    found = measured([advance(step(0.2), step(0.97, words=14, unknown=5)), advance(step(0.04, words=0)), advance()])
    assert (found["words"], found["unknown_words"]) == (18, 5)
    assert unknown_ratio({"reference": found}) == 5 / 18
    # The last probabilities: 0.97, 0.04, and of the empty text the prior's 0.5.
    cumulative = shares(json.loads(json.dumps({"reference": found})))
    assert cumulative.keys() == BOUNDS.keys()
    by_bound = dict(zip(BOUNDS["probability"], cumulative["probability"], strict=False))
    assert [by_bound[le] for le in (0.05, 0.45, 0.5, 0.95, 1.0)] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])
    lengths = dict(zip(BOUNDS["document_sentences"], cumulative["document_sentences"], strict=False))
    assert [lengths[le] for le in (0, 1, 2)] == pytest.approx([1 / 3, 2 / 3, 1])
    words = dict(zip(BOUNDS["sentence_words"], cumulative["sentence_words"], strict=False))
    assert [words[le] for le in (0, 3, 5, 13, 21)] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3, 1])


def test_a_report_without_a_reference_gives_nothing() -> None:
    assert shares({}) == {}
    assert unknown_ratio({}) is None
    assert shares({"reference": measured([])}) == {}
    assert unknown_ratio({"reference": measured([])}) is None


@pytest.mark.parametrize("folder", sorted(PRETRAINED.glob("*/")), ids=lambda folder: folder.name)
def test_a_shipped_model_has_one_over_its_whole_validation_split(folder: object) -> None:
    report = load(PRETRAINED / str(folder)).report
    features = report["reference"]["features"]
    documents = report["validation"]["documents"]
    assert sum(features["probability"]["counts"]) == sum(features["document_sentences"]["counts"]) == documents
    assert all(found[-1] == pytest.approx(1) for found in shares(report).values())
    assert shares(report).keys() == BOUNDS.keys()
    ratio = unknown_ratio(report)
    assert ratio is not None
    assert 0 < ratio < 0.3
