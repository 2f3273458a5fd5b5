"""What learners make of documents that are held out: each learns once per hold, and its probabilities are kept.

Hold(name, recipe, splits), learners --rows--> Outcome(hold, learner, seconds, validation, tests)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from models.predictor import Predictor
from training import checkpoint, sources
from training.baselines import Classify, Learn, identity
from training.checks import enough
from training.cost import processor
from training.documents import Document
from training.errors import RecipeError
from training.recipe import LINEAR, TRANSFORMER, Recipe
from training.rows import Making, Row, rows, slug
from training.score import Scores, score
from training.splits import Splits
from training.train import make

OURS: Final = "ours"
_LEARNT: Final = ("sets", "file", "labels", "others", "seed")
"""What of a recipe says which documents a baseline learns from."""


@dataclass(frozen=True)
class Hold:
    """Documents that are held out under a name, and the recipe that learns from the others."""

    name: str
    recipe: Recipe
    split: Callable[[], Splits]

    @cached_property
    def splits(self) -> Splits:
        """Not made before something has to learn from them."""
        found = self.split()
        enough(found, self.recipe.labels)
        return found


@dataclass(frozen=True)
class Outcome:
    """The scores of a learner on each set of its validation and on each test, and its seconds of processor time."""

    hold: str
    learner: str
    seconds: float
    validation: dict[str, Scores]
    tests: dict[str, Scores]


def settled(recipe: Recipe) -> Recipe:
    """The recipe with its labels; refuses one that would have seen, or not seen, other documents than are held out."""
    if recipe.held_out or recipe.fold:
        raise RecipeError(
            f"held_out = {list(recipe.held_out)} and fold = {recipe.fold} hold out other documents than this does: "
            "leave them out of the recipe"
        )
    if artefacts := [teacher for teacher in recipe.teacher if teacher not in (LINEAR, TRANSFORMER)]:
        raise RecipeError(
            f"teacher: {', '.join(artefacts)} may have learnt from what is held out here: "
            f"name {LINEAR!r} or {TRANSFORMER!r}, which learn anew each time, or none (teacher=[])"
        )
    return sources.settle(recipe)


def outcomes(
    holds: Sequence[Hold],
    learners: Mapping[str, Learn],
    data: Any,
    folder: Path,
    device: torch.device,
    minutes: float = 0.0,
) -> Iterator[Outcome]:
    """Of the recipe and of the learners in each hold, as they are made or found; none is begun after `minutes`.

    `data` is what says whether the documents, those that are held out too, are still the same.
    """
    makings = []
    for hold in holds:
        place, whole = [hold.name, data], hold.recipe.to_dict()
        todo: dict[str, tuple[Any, Callable[[Path], Classify | None]]] = {
            OURS: (hold.recipe.told(), partial(_train, hold, device))
        }
        for name, learn in learners.items():
            learnt = [identity(name), {part: whole[part] for part in _LEARNT}]
            todo[name] = (learnt, partial(_learn, hold, learn))
        for name, (what, into) in todo.items():
            own = folder / slug(hold.name) / slug(name)
            makings.append(Making(f"{hold.name}: {name}", own, [what, *place], partial(_made, hold, name, into)))
    for _, found in rows(makings, minutes):
        yield _outcome(found)


def _train(hold: Hold, device: torch.device, folder: Path) -> Classify:
    artefact, _ = make(hold.recipe, hold.splits, folder, device, checkpoint.fits(folder, hold.recipe))
    return partial(score, Predictor(artefact, device))


def _learn(hold: Hold, learn: Learn, _: Path) -> Classify | None:
    return learn(hold.splits.train, hold.splits.validation)


def _made(hold: Hold, learner: str, into: Callable[[Path], Classify | None], folder: Path) -> list[Row]:
    """A row per set of validation and per test; none where there is no such learner."""
    sides: dict[tuple[str, str], list[Document]] = {}
    for document in hold.splits.validation:
        sides.setdefault(("validation", document.set), []).append(document)
    sides |= {("test", name): of for name, of in hold.splits.tests.items()}
    before = checkpoint.curve(folder) if checkpoint.fits(folder, hold.recipe) else []
    began = processor() - sum(entry["cpu_seconds"] for entry in before)
    classify = into(folder)
    if classify is None:
        return []
    found = []
    for (side, name), documents in sides.items():
        scores = classify(documents)
        kept = {"labels": scores.labels.tolist(), "probabilities": scores.last.tolist()}
        found.append({"hold": hold.name, "learner": learner, "side": side, "set": name, **kept})
    (folder / checkpoint.FILE).unlink(missing_ok=True)
    return [{"seconds": processor() - began, **row} for row in found]


def _outcome(found: Sequence[Row]) -> Outcome:
    sides: dict[str, dict[str, Scores]] = {"validation": {}, "test": {}}
    for row in found:
        sides[row["side"]][row["set"]] = Scores.ends(np.array(row["labels"]), np.array(row["probabilities"]))
    first = found[0]
    return Outcome(first["hold"], first["learner"], first["seconds"], sides["validation"], sides["test"])
