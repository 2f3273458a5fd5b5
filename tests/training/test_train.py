"""From a recipe and a folder of texts to an artefact that is loaded, predicts, and is the same each time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.artefact import load
from models.predictor import Advance, Predictor
from models.sentences import split
from models.wide import Wide
from tests.training import bert, toy
from training import cache, cost, recipe, transformer, wide
from training.card import page
from training.corpus import Example
from training.measure import again
from training.publishers import write
from training.train import train
from training.wide import Tried


def positive(folder: Path, text: str) -> list[float]:
    (advance,) = Predictor(load(folder)).advance([(None, [sentence.text for sentence in split(text)])])
    assert isinstance(advance, Advance)
    return [step.probabilities[1] for step in advance.steps]


def test_the_artefact_tells_good_from_bad_while_reading(trained: Path) -> None:
    good = positive(trained, "The cinema was half full.\nA wonderful film. I loved every minute.")
    bad = positive(trained, "The cinema was half full.\nA terrible film. I hated every minute.")
    assert good[0] == bad[0]
    assert good[-1] > 0.8 > 0.2 > bad[-1]


def test_the_report_holds_what_was_learnt_from_and_what_came_of_it(trained: Path) -> None:
    report = load(trained).report
    assert report["test"]["aclimdb"]["documents"] == 40
    assert report["test"]["aclimdb"]["accuracy"] >= 0.85
    assert report["digest"] == load(trained).digest
    assert report["data"]["aclimdb/train"]["rows"] == 44
    assert len(report["data"]["aclimdb/train"]["sha256"]) == 64
    # Two texts of each class stand in both halves, and every text of train may go to validation.
    assert report["splits"]["train"]["documents"] + report["splits"]["validation"]["documents"] == 40
    assert report["baselines"].keys() == {
        "bag of words, logistic regression",
        "NB-weighted logistic regression, uni- and bigrams",
        "fastText, uni- and bigrams",
        "PySS3",
    }
    assert report["baselines"]["PySS3"]["aclimdb"]["earliness"]["share"]["100%"] >= 0.8
    assert {"versions", "seed", "recipe", "learning_curve", "validation", "sizes"} <= report.keys()
    assert recipe.from_dict(report["recipe"]).name == "sentiment-gru"


def test_the_card_and_the_picture_are_there(trained: Path) -> None:
    card = (trained / "CARD.md").read_text()
    assert load(trained).digest in card
    assert "| aclimdb | **this model** | 40 |" in card
    assert f"and at most {load(trained).report['spent']['peak_mb']:,.0f} MB of memory" in card
    for name in ("learning_curve.png", "earliness.png", "reliability.png"):
        assert f"({name})" in card
        assert (trained / name).read_bytes().startswith(b"\x89PNG")
        assert (trained / name).stat().st_size < 60_000
    assert (trained / "learning_curve.csv").read_text().count("\n") == 5
    assert not list(trained.glob("checkpoint*"))


def test_the_card_tells_prefixes_in_the_order_of_numbers(trained: Path) -> None:
    card = (trained / "CARD.md").read_text()
    assert "| sentences read | 0 | 1 | 2 | 3 | 5 | 8 | 13 | 21 | 34 | 10% | 25% | 50% | 75% | 100% |" in card
    assert "| sentences read | 1 | 2 | 3 | end |" in card
    assert "| rate: threshold | negatives | 1.0%: " in card
    assert "| delay, sentences | ERDE-5 | ERDE-50 |" in card
    assert "| aclimdb, PySS3 | 5% |" in card


def test_a_program_that_is_not_installed_is_told_so(trained: Path) -> None:
    report = load(trained).report
    report["baselines"]["bogofilter"] = None
    assert "| aclimdb | bogofilter | | not installed | | | | |" in page(report)


def test_what_is_refused_is_told(trained: Path) -> None:
    report = load(trained).report
    assert report["refused"] == {}
    assert "are refused" not in page(report)
    assert "in no figure here: 12.5% of aclimdb. English" in page(report | {"refused": {"aclimdb": 0.125}})


def test_an_artefact_is_measured_again_to_the_same_page(trained: Path, data_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "copy")
    names = ("CARD.md", "report.json", "earliness.png", "reliability.png")
    for name in names[:1] + names[2:]:
        (copy / name).unlink()
    again(load(copy), data_dir, copy, torch.device("cpu"))
    for name in names:
        assert (copy / name).read_bytes() == (trained / name).read_bytes(), name


def test_the_same_seed_gives_the_same_model_and_another_another(trained: Path, data_dir: Path, tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    path = toy.recipe(tmp_path)
    again = train(recipe.load(path), data_dir, tmp_path / "again", device=cpu, trial=True)
    other = train(recipe.load(path, ["seed=4"]), data_dir, tmp_path / "other", device=cpu, trial=True)
    assert again.digest == load(trained).digest != other.digest


def test_the_cost_counts_the_tokens_that_the_cache_has(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "spared", lambda *_: 1000.0)
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=1"])
    spent = train(chosen, data_dir, tmp_path / "out", device=torch.device("cpu"), trial=True).report["spent"]
    assert 1000 < spent["cpu_seconds"] < 2000
    assert spent["wall_seconds"] > 0
    assert spent["peak_mb"] > 50


def test_the_cost_never_counts_what_a_transformer_took(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether its beliefs were in the cache or not."""
    monkeypatch.syspath_prepend(str(bert.package(tmp_path / "site")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    so_far, took = cost.processor, [0.0]
    monkeypatch.setattr(cost, "processor", lambda: so_far() + sum(took))
    monkeypatch.setattr(transformer, "learn", lambda *_: took.append(1000.0))
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=1", "teacher=transformer"])
    for _ in range(2):
        spent = train(chosen, data_dir, tmp_path / "out", device=torch.device("cpu"), trial=True).report["spent"]
        assert 0 < spent["cpu_seconds"] < 1000
    assert sum(took) == 1000  # once


def test_a_trial_leaves_the_tests_alone(data_dir: Path, tmp_path: Path) -> None:
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=1", "family=conv1d", "sizes={filters = 4, embedding = 4}"])
    artefact = train(chosen, data_dir, tmp_path / "trial", device=torch.device("cpu"), trial=True)
    assert artefact.report["test"] == {}
    assert artefact.report["baselines"] == {}
    assert not (tmp_path / "trial" / "CARD.md").exists()


@pytest.mark.parametrize("name", ["report.json", "config.toml", "vocabulary.txt", "weights.safetensors"])
def test_every_part_is_written(trained: Path, name: str) -> None:
    assert (trained / name).stat().st_size > 0


def test_the_report_is_plain_json(trained: Path) -> None:
    text = (trained / "report.json").read_text()
    assert json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n" == text
    assert "NaN" not in text


def test_only_the_sets_that_are_named_say_what_a_logit_is_worth(tmp_path: Path) -> None:
    data_dir = toy.films(tmp_path / "data")
    products = [row | {"domain": "books", "text": f"Book! {row['text']} Book!"} for row in toy.rows("train")]
    write(data_dir / "amazon_reviews" / "all.jsonl.gz", products)
    chosen = recipe.load(toy.recipe(tmp_path), ["epochs=1", 'sets=["aclimdb", "amazon_reviews"]'])
    films, books, both = (
        train(replace(chosen, calibrated_on=sets), data_dir, tmp_path / "model", device=torch.device("cpu"), trial=True)
        for sets in (("aclimdb",), ("amazon_reviews",), ())
    )
    assert films.calibration != books.calibration != both.calibration != films.calibration
    for name, weights in films.classifier.state_dict().items():
        assert torch.equal(weights, books.classifier.state_dict()[name])


def test_the_linear_path_learns_from_every_document_once_more_with_pieces_on(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[list[Example]] = []

    def told(model: Wide, train: list[Example], kinds: Sequence[str]) -> Tried:
        met.append(train)
        return {kind: {1.0: np.zeros(model.table.num_embeddings)} for kind in kinds}

    monkeypatch.setattr(wide, "linear", told)
    for rate in (0, 0.1):
        chosen = recipe.load(toy.recipe(tmp_path), ["epochs=1", "sizes.wide=true", f"dress={rate}"])
        train(chosen, data_dir, tmp_path / "model", device=torch.device("cpu"), trial=True)
    plain, dressed = met
    number = len(plain)
    assert len(dressed) == 2 * number
    assert [e.ids.tolist() for e in dressed[:number]] == [e.ids.tolist() for e in plain]
    longer = [len(e.ids) > len(plain[i].ids) for i, e in enumerate(dressed[number:])]
    assert np.mean(longer) > 0.6
