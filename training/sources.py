"""Where the documents of a recipe come from: public sets in the data folder, or one file of one's own.

recipe.sets --datasets--> documents --split--> Splits
recipe.file --table-----> documents --^     recipe.others --passages--> documents of the first label, to train
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from training import table
from training.datasets import SETS, summary
from training.documents import Document
from training.parts import parts
from training.passages import passages
from training.recipe import Recipe
from training.splits import RULES, Splits, split, unlabelled


def settle(recipe: Recipe) -> Recipe:
    """The recipe with its labels, which stand in its file where it does not name them."""
    return recipe if recipe.labels else replace(recipe, labels=table.labels(Path(recipe.file)))


def documents(recipe: Recipe, data_dir: Path) -> list[Document]:
    """All labelled documents of a settled recipe."""
    if recipe.file:
        return table.read(Path(recipe.file), recipe.labels)
    return [document for name in recipe.sets for document in SETS[name].read(data_dir)]


def splits(recipe: Recipe, documents: Iterable[Document], data_dir: Path) -> Splits:
    """The recipe's documents on their sides, and what else it learns from."""
    return complete(recipe, split(documents, recipe.held_out, recipe.fold), data_dir)


def complete(recipe: Recipe, found: Splits, data_dir: Path) -> Splits:
    """The passages of `others`, never of their tests, train too. With a teacher the documents that have no label come
    along, whole and in `parts`."""
    others = [
        passage
        for name, most in recipe.others.items()
        for passage in passages(split(SETS[name].read(data_dir)).train, most, recipe.seed)
    ]
    found = replace(found, train=found.train + others)
    if not recipe.teacher:
        return found
    without = [document for name in recipe.sets for document in SETS[name].read_unlabelled(data_dir)]
    without = unlabelled(without, found)
    return replace(found, unlabelled=without + parts(without, recipe.parts))


def summaries(recipe: Recipe, data_dir: Path) -> dict[str, dict[str, Any]]:
    """Rows per label and sha256 of each file that is learnt from or scored, and of public ones the fingerprint of the
    content."""
    own = {recipe.file: table.summary(Path(recipe.file))} if recipe.file else {}
    return own | {
        f"{name}/{file}": summary(SETS[name].path(data_dir, file), SETS[name])
        for name in (*recipe.sets, *recipe.others)
        for file in SETS[name].files | (SETS[name].unlabelled if recipe.teacher else {})
        if name in recipe.sets or file not in RULES[name].test_parts
    }
