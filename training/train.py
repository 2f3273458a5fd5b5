"""One training, from a recipe to a folder that the service can load.

recipe --splits--> documents --corpus--> examples --loop.fit--> weights --calibrate--> Artefact --score--> report

The test documents are scored once, at the end, by the artefact as it was read back from disk.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.artefact import CARD, Artefact
from models.calibration import Calibration
from models.families import build
from models.forest import RandomForest
from models.predictor import Predictor
from models.vocabulary import Vocabulary
from models.wide import Wide
from training import calibrate, checkpoint, checks, forest, loop, parallel, picture, report, sources, wide
from training.baselines import baselines
from training.card import card
from training.corpus import examples, sentences
from training.documents import Document
from training.metrics import figures, summary
from training.recipe import Recipe
from training.score import score
from training.splits import Splits, split

CURVE = "learning_curve.png"


def train(
    recipe: Recipe, data_dir: Path, folder: Path, *, device: torch.device, resume: bool = False, trial: bool = False
) -> Artefact:
    """Trains, calibrates, scores and writes an artefact. A `trial` leaves the tests and baselines alone."""
    recipe = sources.settle(recipe)
    documents = sources.documents(recipe, data_dir)
    splits = split(documents, recipe.held_out, recipe.fold)
    checked = checks.check(documents, splits, recipe.labels, recipe.held_out, recipe.fold)
    print(*checks.lines(checked), sep="\n")
    classifier, vocabulary, curve = _fit(recipe, splits, folder, device, resume)
    plain = Artefact(
        task=recipe.task,
        family=recipe.family,
        labels=recipe.labels,
        sizes=recipe.sizes,
        vocabulary=vocabulary,
        classifier=classifier,
        calibration=Calibration.identity(len(recipe.labels)),
    ).save(folder)
    validation = score(Predictor(plain, device), splits.validation, "validation")
    calibration = calibrate.fit(validation)
    thresholds = calibrate.thresholds(calibrate.apply(calibration, validation))
    artefact = replace(plain, calibration=calibration, thresholds=thresholds).save(folder)
    picture.learning_curve(curve, folder / CURVE)
    known = _report(artefact, recipe, splits, data_dir, folder)
    known |= {"learning_curve": curve, "checks": checked} | _figures(artefact, splits, device, trial)
    artefact = replace(artefact, report=known).save(folder)
    if not trial:
        (folder / CARD).write_text(card(known))
    (folder / checkpoint.FILE).unlink(missing_ok=True)
    return artefact


def follow(recipe: Recipe, data_dir: Path, folder: Path, *, device: torch.device, resume: bool = False) -> None:
    """What the other processes of a group do: they learn beside the first one and leave the rest to it."""
    recipe = sources.settle(recipe)
    splits = split(sources.documents(recipe, data_dir), recipe.held_out, recipe.fold)
    _fit(recipe, splits, folder, device, resume)


def _fit(
    recipe: Recipe, splits: Splits, folder: Path, device: torch.device, resume: bool
) -> tuple[Any, Vocabulary, list[dict[str, float]]]:
    """The classifier with its best weights, its vocabulary and the learning curve."""
    cut = sentences(splits.train)
    vocabulary = Vocabulary.fit(("\n".join(texts) for texts in cut), recipe.words)
    once = examples(splits.train, cut, vocabulary, recipe.most_sentences)
    train = [e for e, d in zip(once, splits.train, strict=True) for _ in range(recipe.repeat.get(d.set, 1))]
    validation = examples(splits.validation, sentences(splits.validation), vocabulary)
    torch.manual_seed(recipe.seed)
    classifier = build(recipe.family, words=len(vocabulary), classes=len(recipe.labels), sizes=recipe.sizes)
    classifier.prepare(vocabulary)
    inner = classifier.inner if isinstance(classifier, Wide) else classifier
    if isinstance(inner, RandomForest):
        forest.fit(inner, train, recipe.seed)
        cpu = torch.device("cpu")
        learnt = loop.evaluate(classifier, train, recipe, cpu)["validation_loss"]
        curve = [{"epoch": 1.0, "train_loss": learnt} | loop.evaluate(classifier, validation, recipe, cpu)]
    else:
        curve = loop.fit(classifier, train, validation, recipe, device=device, folder=folder, resume=resume)
    if isinstance(classifier, Wide) and parallel.rank() == 0:
        # It learns from whole documents, whatever targets their sentences have.
        whole = [[d._replace(targets=()) for d in side] for side in (splits.train, splits.validation)]
        seen, unseen = (examples(side, sentences(side), vocabulary) for side in whole)
        print("wide path:", wide.fit(classifier.cpu(), seen, unseen))
    return classifier.eval(), Vocabulary(vocabulary.words), curve


def _figures(artefact: Artefact, splits: Splits, device: torch.device, trial: bool) -> dict[str, Any]:
    """What the artefact as served is worth on validation, and once on the tests, beside the baselines."""
    predictor = Predictor(artefact, device)
    scores = score(predictor, splits.validation, "validation")
    rows: dict[str, list[int]] = {}
    for i, document in enumerate(splits.validation):
        rows.setdefault(document.set, []).append(i)
    tests: dict[str, list[Document]] = {} if trial else splits.tests
    return {
        "validation": figures(scores, artefact.thresholds),
        "validation_by_set": {name: figures(scores.of(of), artefact.thresholds) for name, of in rows.items()},
        "test": {name: figures(score(predictor, found, name), artefact.thresholds) for name, found in tests.items()},
        "baselines": _baselines(splits.train, tests) if tests else {},
    }


def _baselines(train: Sequence[Document], tests: dict[str, list[Document]]) -> dict[str, Any]:
    return {
        by: {name: summary(np.array([d.label for d in tests[name]]), p) for name, p in probabilities.items()}
        for by, probabilities in baselines(train, tests).items()
    }


def _report(artefact: Artefact, recipe: Recipe, splits: Splits, data_dir: Path, folder: Path) -> dict[str, Any]:
    predictor = Predictor(artefact)
    sizes = {
        "parameters": sum(p.numel() for p in artefact.classifier.parameters()),
        "words": len(artefact.vocabulary),
        "state_bytes": predictor.state_bytes,
        "bytes": sum(path.stat().st_size for path in folder.iterdir() if path.name != checkpoint.FILE),
    }
    return {
        "task": recipe.task,
        "family": recipe.family,
        "labels": list(recipe.labels),
        "digest": artefact.digest,
        "seed": recipe.seed,
        "recipe": json.loads(json.dumps(recipe.to_dict())),
        "versions": report.versions(),
        "sizes": sizes,
        "data": sources.summaries(recipe, data_dir),
        "splits": report.splits(splits, recipe.labels),
    }
