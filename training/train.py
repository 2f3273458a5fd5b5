"""One training, from a recipe to a folder that the service can load.

recipe --splits--> documents --corpus--> examples --loop.fit--> weights --calibrate--> Artefact --measure--> report

The test documents are scored once, at the end, by the artefact as it was read back from disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.artefact import Artefact
from models.calibration import Calibration
from models.families import build
from models.forest import RandomForest
from models.predictor import Predictor
from models.vocabulary import Vocabulary
from models.wide import Wide
from training import (
    cache,
    calibrate,
    card,
    checkpoint,
    checks,
    cost,
    forest,
    log,
    loop,
    parallel,
    picture,
    sources,
    teacher,
    wide,
)
from training.augment import dress
from training.cache import tokenised
from training.corpus import Example, met
from training.documents import Document
from training.measure import measure
from training.pieces import Pieces, pieces
from training.recipe import LINEAR, TRANSFORMER, Recipe
from training.report import teachers
from training.score import Floats, readable, score
from training.splits import Splits
from training.teacher import Opinion

CURVE = "learning_curve.png"


def train(
    recipe: Recipe,
    data_dir: Path,
    folder: Path,
    *,
    device: torch.device,
    resume: bool = False,
    trial: bool = False,
    beside: bool = True,
) -> Artefact:
    """Trains, calibrates, scores and writes an artefact. A `trial` leaves the tests and baselines alone; without
    `beside` there are no baselines."""
    recipe = sources.settle(recipe)
    documents = sources.documents(recipe, data_dir)
    splits = sources.splits(recipe, documents, data_dir)
    checked = checks.check(documents, splits, recipe.labels, recipe.held_out, recipe.fold)
    print(*checks.lines(checked), sep="\n")
    taught = teachers(recipe)
    spared, before = cache.spared(splits, recipe), checkpoint.curve(folder) if resume else []
    _ask_transformer(recipe, splits, device)
    began = cost.now()
    artefact, curve = make(recipe, splits, folder, device, resume)
    spent = _whole_cost(cost.since(began), spared, before)
    log.write(curve, folder)
    picture.learning_curve(curve, folder / CURVE)
    report = measure(artefact, recipe, splits, data_dir, folder, device, trial, beside)
    report |= {"learning_curve": curve, "checks": checked, "teachers": taught, "spent": spent}
    artefact = replace(artefact, report=report).save(folder)
    if not trial:
        card.write(artefact.report, folder)
    (folder / checkpoint.FILE).unlink(missing_ok=True)
    return artefact


def make(
    recipe: Recipe, splits: Splits, folder: Path, device: torch.device, resume: bool = False
) -> tuple[Artefact, list[dict[str, float]]]:
    """An artefact in `folder`, without a report, that learnt from `splits.train` and was calibrated on
    `splits.validation`; and its learning curve."""
    classifier, vocabulary, curve = _fit(recipe, splits, folder, device, resume)
    plain = Artefact(
        task=recipe.task,
        family=recipe.family,
        labels=recipe.labels,
        sizes=recipe.sizes,
        vocabulary=vocabulary,
        weights=classifier.weights(),
        calibration=Calibration.identity(len(recipe.labels)),
    ).save(folder)
    validation = score(Predictor(plain, device), readable(plain, splits.validation), "validation")
    calibration = calibrate.fit(validation.of(_calibrating(recipe, plain, splits)))
    thresholds = calibrate.thresholds(calibrate.apply(calibration, validation))
    return replace(plain, calibration=calibration, thresholds=thresholds).save(folder), curve


def _whole_cost(spent: dict[str, float], spared: float, before: Sequence[dict[str, float]]) -> dict[str, float]:
    """What it took from texts to a calibrated artefact: that of the epochs before a cut, too, and of cached tokens
    the processor time that they took when they were made; never a transformer's, see `_ask_transformer`."""
    of = {name: sum(entry[name] for entry in before) for name in ("cpu_seconds", "wall_seconds")}
    return spent | {
        "cpu_seconds": spent["cpu_seconds"] + of["cpu_seconds"] + spared,
        "wall_seconds": spent["wall_seconds"] + of["wall_seconds"],
        "peak_mb": max([spent["peak_mb"], *(entry["peak_mb"] for entry in before)]),
    }


def follow(recipe: Recipe, data_dir: Path, folder: Path, *, device: torch.device, resume: bool = False) -> None:
    """What the other processes of a group do: they learn beside the first one and leave the rest to it."""
    recipe = sources.settle(recipe)
    splits = sources.splits(recipe, sources.documents(recipe, data_dir), data_dir)
    _ask_transformer(recipe, splits, device)
    _fit(recipe, splits, folder, device, resume)


def _fit(
    recipe: Recipe, splits: Splits, folder: Path, device: torch.device, resume: bool
) -> tuple[Any, Vocabulary, list[dict[str, float]]]:
    """The classifier with its best weights, its vocabulary and the learning curve."""
    vocabulary, once, validation, without = tokenised(splits, recipe)
    train = [
        e._replace(often=recipe.repeat.get(d.set, 1.0), dressy=d.set in (recipe.few_writers or [d.set]))
        for e, d in zip(once, splits.train, strict=True)
    ]
    torch.manual_seed(recipe.seed)
    classifier = build(recipe.family, words=len(vocabulary), classes=len(recipe.labels), sizes=recipe.sizes)
    classifier.prepare(vocabulary)
    whole, unseen = _whole(train, splits.train), _whole(validation, splits.validation)
    put_on = pieces(vocabulary, recipe.seed) if recipe.dress else None
    if put_on:
        whole += _dressed(whole, put_on, recipe)
    of_path: Opinion | None = None
    if LINEAR in recipe.teacher and isinstance(classifier, Wide):
        of_path = teacher.linear(classifier, wide.linear(classifier, whole, recipe.linear), unseen, without)
    if recipe.teacher:
        taught = teacher.believed(without, _beliefs(recipe, splits, of_path, device))
        train, whole = train + taught, whole + taught
    if (most := classifier.most_tokens) is not None:
        train, validation = ([e for e in side if len(e.ids) <= most] for side in (train, validation))
    inner = classifier.inner if isinstance(classifier, Wide) else classifier
    curve = _learn(inner, train, validation, recipe, put_on, folder, device, resume)
    if isinstance(classifier, Wide) and parallel.rank() == 0:
        tried = wide.linear(classifier.cpu(), whole, recipe.linear)
        print("wide path:", wide.fit(classifier, tried, unseen))
    return classifier.eval(), Vocabulary(vocabulary.words), curve


def _ask_transformer(recipe: Recipe, splits: Splits, device: torch.device) -> None:
    """Has the beliefs of a transformer that teaches in the cache, before anything is counted: as they may have been
    there for long, what it costs never counts what they took."""
    if TRANSFORMER in recipe.teacher:
        teacher.transformer(splits.train, _asked(splits)[1], device)


def _asked(splits: Splits) -> tuple[list[int], tuple[list[Document], list[Document]]]:
    """What teachers are asked about: the validation documents, and which of all they are, of the sets that have
    documents without labels; and the latter."""
    sets = {document.set for document in splits.unlabelled}
    rows = [i for i, document in enumerate(splits.validation) if document.set in sets]
    return rows, ([splits.validation[i] for i in rows], splits.unlabelled)


def _beliefs(recipe: Recipe, splits: Splits, of_path: Opinion | None, device: torch.device) -> Floats:
    """What the recipe's teachers believe together, `[N, K]`, of the documents that nobody has labelled. Validation
    documents of the same sets say how much each of them counts."""
    rows, sides = _asked(splits)
    opinions = []
    for name in recipe.teacher:
        if of_path and name == LINEAR:
            opinions.append(of_path.of(rows))
        elif name == TRANSFORMER:
            opinions.append(teacher.transformer(splits.train, sides, device))
        else:
            opinions.append(teacher.artefact(Path(name), recipe.labels, sides, device))
    return teacher.together(opinions, np.array([document.label for document in sides[0]]))


def _calibrating(recipe: Recipe, artefact: Artefact, splits: Splits) -> list[int]:
    """Which of the validation documents that were scored say what a logit is worth."""
    sets = recipe.calibrated_on or recipe.sets
    return [i for i, d in enumerate(readable(artefact, splits.validation)) if not sets or d.set in sets]


def _whole(data: Sequence[Example], documents: Sequence[Document]) -> list[Example]:
    """For the linear path, which learns a document's label, whatever targets its sentences have."""
    return [e._replace(targets=np.full(len(e.lengths), d.label)) for e, d in zip(data, documents, strict=True)]


def _dressed(whole: Sequence[Example], pieces: Pieces, recipe: Recipe) -> list[Example]:
    """The documents once more, for the linear path, which sees no epochs."""
    chance = np.random.default_rng([recipe.seed, recipe.epochs])  # which no epoch draws from
    return [dress(e, pieces, 1.0, chance) for e in whole]


def _learn(
    classifier: Any,
    train: Sequence[Example],
    validation: Sequence[Example],
    recipe: Recipe,
    put_on: Pieces | None,
    folder: Path,
    device: torch.device,
    resume: bool,
) -> list[dict[str, float]]:
    """Puts the best weights into the classifier, and gives back the learning curve."""
    if not isinstance(classifier, RandomForest):
        return loop.fit(
            classifier, train, validation, recipe, device=device, folder=folder, resume=resume, pieces=put_on
        )
    began = cost.now()
    forest.fit(classifier, met(train, np.random.default_rng(recipe.seed)), recipe.seed)
    cpu = torch.device("cpu")
    learnt = loop.evaluate(classifier, train, recipe, cpu)["validation_loss"]
    entry = {"epoch": 1.0, "train_loss": learnt} | loop.evaluate(classifier, validation, recipe, cpu)
    return [entry | cost.since(began)]
