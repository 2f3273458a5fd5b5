"""Tokens on disk are those that would be made, and only for the same documents, settings and code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import models
from tests.training import topics, toy
from training import cache, cost, recipe, sources, table
from training.cache import KEPT, Tokenised, tokenised
from training.recipe import Recipe
from training.splits import Splits, split


@pytest.fixture
def films(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Splits, Recipe]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    chosen = recipe.load(toy.recipe(tmp_path))
    return sources.splits(chosen, sources.documents(chosen, data_dir), data_dir), chosen


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache" / "undertone" / "tokens").iterdir())


def same(one: Tokenised, two: Tokenised) -> None:
    assert one.vocabulary.words == two.vocabulary.words
    assert one.vocabulary.idf().tolist() == two.vocabulary.idf().tolist()
    for ours, theirs in ((one.train, two.train), (one.validation, two.validation)):
        for a, b in zip(ours, theirs, strict=True):
            for part in ("ids", "lengths", "targets"):
                np.testing.assert_array_equal(getattr(a, part), getattr(b, part))
                assert getattr(a, part).dtype == getattr(b, part).dtype


def test_what_is_read_is_what_was_made(
    films: tuple[Splits, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tokenised(*films)
    assert len(files(tmp_path)) == 1
    monkeypatch.delattr(cache, "sentences")  # nothing is cut again
    same(tokenised(*films), made)


def test_what_is_cached_says_what_it_spares(films: tuple[Splits, Recipe]) -> None:
    assert cache.spared(*films) == 0
    began = cost.now()
    tokenised(*films)
    assert 0 < cache.spared(*films) <= cost.since(began)["cpu_seconds"]


def test_targets_of_steps_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = topics.lines(tmp_path)
    chosen = sources.settle(recipe.load(topics.recipe(tmp_path, path)))
    splits = split(table.read(path, chosen.labels))
    made = tokenised(splits, chosen)
    same(tokenised(splits, chosen), made)
    assert tokenised(splits, chosen).train[0].targets[0] == -1


def test_other_documents_and_settings_are_other_tokens(films: tuple[Splits, Recipe], tmp_path: Path) -> None:
    splits, chosen = films
    tokenised(splits, chosen)
    tokenised(splits, recipe.from_dict(chosen.to_dict() | {"words": 20}))
    tokenised(splits, recipe.from_dict(chosen.to_dict() | {"most_sentences": 2}))
    tokenised(Splits(splits.train[1:], splits.validation, {}), chosen)
    assert len(files(tmp_path)) == 4
    tokenised(splits, recipe.from_dict(chosen.to_dict() | {"seed": 9, "rate": 0.5}))
    assert len(files(tmp_path)) == 4


def test_other_code_is_other_tokens(
    films: tuple[Splits, Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenised(*films)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    monkeypatch.setattr(models, "__file__", str(tmp_path / "models" / "__init__.py"))
    tokenised(*films)
    assert len(files(tmp_path)) == 2


def test_a_damaged_file_is_made_again_and_the_oldest_go(films: tuple[Splits, Recipe], tmp_path: Path) -> None:
    made = tokenised(*films)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    same(tokenised(*films), made)
    for number in range(KEPT):
        (path.parent / f"{number}.safetensors").write_bytes(b"")
    path.unlink()
    tokenised(*films)
    assert len(files(tmp_path)) == KEPT
