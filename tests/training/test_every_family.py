"""Every family learns the hand-written films from a recipe, and is loaded as it was served."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.artefact import load
from models.families import FAMILIES
from tests.training import toy
from training import recipe
from training.errors import DataError
from training.train import train

SIZES = {
    "rnn": 'encoder = "bow", embedding = 8, hidden = 8',
    "lstm": 'layers = 2, connection = "residual", wide = true',
    "gru": 'layers = 3, connection = "highway", layer_norm = 1, dropout = 0.1',
    "conv1d": 'embedding = 8, filters = 4, branches = "residual", wide = true, pairs = 50',
    "pooled": "dropout = 0.1",
    "flattened": "max_tokens = 100",
    "forest": "trees = 20, depth = 4, wide = true",
    "bow": 'mode = "tfidf"',
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_recipe_is_enough(family: str, data_dir: Path, tmp_path: Path) -> None:
    overrides = [f"family={family}", f"sizes={{{SIZES[family]}}}", "epochs=6"]
    chosen = recipe.load(toy.recipe(tmp_path), overrides)
    made = train(chosen, data_dir, tmp_path / "out", device=torch.device("cpu"), trial=True)
    assert made.report["validation"]["accuracy"] >= 0.9
    assert load(tmp_path / "out").digest == made.digest
    assert load(tmp_path / "out").sizes == chosen.sizes
    assert (tmp_path / "out" / "learning_curve.csv").is_file()


def test_room_for_none_of_the_texts_is_refused(data_dir: Path, tmp_path: Path) -> None:
    chosen = recipe.load(toy.recipe(tmp_path), ["family=flattened", "sizes={max_tokens=2}"])
    with pytest.raises(
        DataError, match=r"training: each of its \d+ documents has more than max_tokens = 2 words"
    ) as error:
        train(chosen, data_dir, tmp_path / "out", device=torch.device("cpu"), trial=True)
    assert "set sizes.max_tokens to what most of them have" in str(error.value)
