"""Recipes: what is known, what is refused, and that the shipped ones load."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from models.families import FAMILIES, size_types
from tests.training import toy
from training.__main__ import main
from training.errors import RecipeError
from training.ranges import RANGES
from training.recipe import Recipe, from_dict, load

RECIPES = Path("training/recipes")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_a_shipped_recipe_is_named_after_what_it_makes(path: Path) -> None:
    assert load(path).name == path.stem


def test_there_is_a_recipe_for_each_shipped_model() -> None:
    names = {path.stem for path in RECIPES.glob("*.toml")}
    assert names >= {"spam-gru", "spam-conv1d", "sentiment-gru", "sentiment-conv1d"}


def test_overrides_reach_tables_lists_and_bare_words(tmp_path: Path) -> None:
    overrides = ["epochs=2", "rate=1", "sizes.hidden=5", "loss=sum", "held_out=aclimdb/train", 'sets=["aclimdb"]']
    recipe = load(toy.recipe(tmp_path), overrides)
    assert (recipe.epochs, recipe.rate, recipe.sizes["hidden"], recipe.loss) == (2, 1.0, 5, "sum")
    assert recipe.held_out == ("aclimdb/train",)
    assert from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epoch=2", "'epoch' is unknown, the nearest is 'epochs'"),
        ("sizes.hiden=2", "'hiden' is unknown, the nearest is 'hidden'"),
        ("sizes.filters=2", "'filters' is unknown"),
        ("family=gruu", "'gruu' is unknown, the nearest is 'gru'"),
        ("loss=max", "'max' is unknown"),
        ("sets=aclimbd", "'aclimbd' is unknown, the nearest is 'aclimdb'"),
        ('sets=["aclimdb", "enron_spam"]', "different labels"),
        ("sets=[]", "there are none or both"),
        ("epochs=two", "epochs = 'two' is of type str, wanted int"),
        ("sizes.hidden=many", "sizes: hidden = 'many', wanted of type int"),
        ("sizes.connection=plane", "sizes: connection = 'plane', wanted one of 'plain', 'residual', 'highway'"),
        ("sizes=3", "sizes = 3, wanted a table"),
        ("repeat.acl=2", "'acl' is unknown, the nearest is 'aclimdb'"),
        ("file=my.csv", "there are none or both"),
        ('labels=["a", "b"]', "different labels"),
        ("teacher=linear", "sizes.wide asks for none: set it to true"),
        ("calibrated_on=sst2", "calibrated_on: 'sst2' is unknown, the nearest is 'aclimdb'"),
        ("epochs", "wanted key=value"),
        ("epochs.x=3", "got 'epochs.x=3', but epochs is no table: give epochs=value"),
    ],
)
def test_what_a_recipe_does_not_know_it_refuses(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message.replace("[", r"\[")):
        load(toy.recipe(tmp_path), [override])


def test_a_teacher_wants_texts_without_labels(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="sst2 has no documents without labels"):
        load(toy.recipe(tmp_path), ["sets=sst2", "teacher=models/pretrained/sentiment-gru"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["a"]}, "wanted two or more different ones"),
        ({"labels": ["a", "b", "a"]}, "wanted two or more different ones"),
        ({"labels": ["spam ", "ham"]}, "labels: 'spam ', wanted a word or whole number without blanks"),
        ({"labels": ["0", "-1"]}, "labels: '-1', wanted .* not -1"),
        ({"labels": ["a", "b", "c"], "sizes": {"wide": True}}, "wide is for two labels, these are 3"),
        ({"teacher": "models/pretrained/sentiment-gru"}, "a file has no documents without labels"),
        ({"repeat": {"other.csv": 2}}, "the nearest is 'my.csv'"),
    ],
)
def test_a_recipe_for_a_file_is_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        from_dict({"task": "mine", "family": "gru", "file": "my.csv"} | options)


def test_a_recipe_without_its_first_keys_is_refused() -> None:
    with pytest.raises(RecipeError, match="lacks family"):
        from_dict({"task": "spam"})


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not exist"):
        load(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("task = ")
    with pytest.raises(RecipeError, match="is not TOML"):
        load(tmp_path / "broken.toml")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs=-1", "epochs = -1, wanted 1 or more"),
        ("epochs=0", "epochs = 0, wanted 1 or more"),
        ("batch=0", "batch = 0, wanted 1 or more"),
        ("words=0", "words = 0, wanted 1 or more"),
        ("seed=-1", "seed = -1, wanted 0 to 4,294,967,295"),
        ("rate=nan", "rate = nan, wanted more than 0"),
        ("rate=inf", "rate = inf, wanted more than 0"),
        ("clip=0", "clip = 0.0, wanted more than 0"),
        ("fold=99", "fold = 99, wanted 0 to 9"),
        ("vary=2", "vary = 2.0, wanted 0 to 1"),
        ("dress=-0.5", "dress = -0.5, wanted 0 to 1"),
        ("warmup=4", r"warmup = 4.0 with epochs = 4: .* wanted fewer"),
        ("repeat.aclimdb=0", "repeat.aclimdb = 0, wanted more than 0"),
        ("others.sst2=1.5", "others = {'sst2': 1.5}, wanted a table of whole numbers"),
        ("others.sst2=-5", "others.sst2 = -5, wanted 1 or more"),
        ("sizes.hidden=0", "sizes.hidden = 0, wanted 1 or more"),
        ("sizes.dropout=1.5", "sizes.dropout = 1.5, wanted 0 or more and less than 1"),
        ("sizes.word_dropout=1", "sizes.word_dropout = 1, wanted 0 or more and less than 1"),
    ],
)
def test_a_number_out_of_its_range_is_refused_with_the_range(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=f"^{message}"):
        load(toy.recipe(tmp_path), [override])


def test_what_makes_texts_longer_is_refused_where_their_length_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"flattened has room for sizes\.max_tokens: leave it out"):
        load(toy.recipe(tmp_path), ["family=flattened", "sizes={embedding=8, max_tokens=50}", "dress=0.5"])


def test_a_number_at_the_end_of_its_range_is_taken(tmp_path: Path) -> None:
    overrides = ["epochs=1", "batch=1", "seed=0", "vary=1", "warmup=0", "patience=0", "fold=9", "sizes.dropout=0"]
    assert load(toy.recipe(tmp_path), overrides).vary == 1


def test_every_number_of_a_recipe_has_a_range() -> None:
    sizes = {f"sizes.{name}": kind for family in FAMILIES for name, kind in size_types(family, wide=True).items()}
    hints = get_type_hints(Recipe) | {"repeat": float, "others": int}
    assert {name for name, kind in (hints | sizes).items() if kind in (int, float)} == RANGES.keys()


def test_the_help_of_train_explains_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = set(re.findall(r"`(\w+)`", capsys.readouterr().out))
    assert {field.name for field in fields(Recipe)} <= told
