"""What a card says under "Again" makes the same artefact: word for word, through the command line."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch

from models.artefact import load as load_artefact
from tests.training import topics, toy
from training import command
from training.__main__ import main
from training.compare import recipes
from training.recipe import Recipe, load
from training.train import train

CPU = torch.device("cpu")


def commands(text: str) -> list[str]:
    """The words after `python -m training`."""
    (line,) = re.findall(r"(?m)^    python -m training (train .*)$", text)
    return shlex.split(line)


def parsed(words: list[str]) -> Recipe:
    return load(Path(words[1]), [word for word in words[2:] if "=" in word])


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["seed=2"],
        ["seed=2", "epochs=7", "loss=sum", "sizes.hidden=5", "sizes.layers=2", "repeat.sst2=0.5"],
        ['sizes={encoder = "bow", hidden = 3}', 'calibrated_on=["sst2"]', "repeat={}", "teacher="],
    ],
)
def test_what_differs_from_the_recipe_file_is_said(overrides: list[str]) -> None:
    recipe = load(command.RECIPES / "sentiment-gru.toml", overrides)
    words = commands(command.again(recipe))
    assert words[:2] == ["train", "training/recipes/sentiment-gru.toml"]
    assert parsed(words) == recipe
    assert sum("=" in word for word in words) == len(overrides)


def test_rows_of_a_comparison_say_what_they_are() -> None:
    for name, recipe in recipes("sentiment").items():
        text = command.again(recipe)
        if recipe.name not in ("sentiment-gru", "sentiment-conv1d"):
            assert "No recipe file that comes along makes it" in text, name
            continue
        assert parsed(commands(text)) == recipe, name


def test_the_card_of_another_seed_makes_it_again(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RECIPES", tmp_path)
    (tmp_path / "sentiment-gru.toml").write_text(toy.recipe(tmp_path).read_text())
    chosen = load(tmp_path / "sentiment-gru.toml", ["seed=5", "epochs=1", "sizes.hidden=4"])
    made = train(chosen, data_dir, tmp_path / "made", device=CPU, beside=False)
    words = commands((tmp_path / "made" / "CARD.md").read_text())
    assert words == [
        "train",
        "training/recipes/sentiment-gru.toml",
        "sizes.hidden=4",
        "seed=5",
        "epochs=1",
        "--data-dir",
        "DIR",
    ]
    words[1], words[-1] = str(tmp_path / "sentiment-gru.toml"), str(data_dir)
    assert main([*words, "--trial", "--output", str(tmp_path / "again")]) == 0
    assert load_artefact(tmp_path / "again").digest == made.digest


@pytest.mark.parametrize("kind", ["sets", "file"])
def test_without_a_recipe_file_the_card_holds_one(
    kind: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "RECIPES", tmp_path / "none")
    path = toy.recipe(tmp_path) if kind == "sets" else topics.recipe(tmp_path, topics.table(tmp_path))
    recipe = load(path, ["words=150"])
    text = command.again(recipe)
    (whole,) = re.findall(r"(?ms)saved as RECIPE.toml:\n\n(.*?)\n\nand then", text)
    (tmp_path / "RECIPE.toml").write_text(re.sub("(?m)^    ", "", whole))
    words = commands(text)
    assert words[1:] == ["RECIPE.toml", *(["--data-dir", "DIR"] if kind == "sets" else [])]
    assert load(tmp_path / "RECIPE.toml") == recipe


def test_a_teacher_is_told_by_its_digest(data_dir: Path, trained: Path, tmp_path: Path) -> None:
    teacher = shutil.copytree(trained, tmp_path / "teacher")
    chosen = load(toy.recipe(tmp_path), ["epochs=1", f"teacher={teacher}"])
    report = train(chosen, data_dir, tmp_path / "taught", device=CPU, beside=False).report
    assert report["teachers"] == {str(teacher): load_artefact(trained).digest}
    card = (tmp_path / "taught" / "CARD.md").read_text()
    assert f"`{teacher}` with the digest `{load_artefact(trained).digest}`" in card
