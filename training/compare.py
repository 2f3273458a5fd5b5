"""Every family on one split, beside the baselines and what is shipped, as one table.

comparison.toml --a recipe per row--> train --report--> row.json --+--> lines, comparison.csv, comparison.png
baselines, shipped artefacts ------------------------> row.json --+

A row that is there already, of the same recipe and data, is not made again, so a comparison goes on where it was cut.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from models.artefact import Artefact, load
from models.predictor import Predictor
from models.shipped import PRETRAINED
from training import checkpoint, cost, sources
from training.baselines import Classify, Learn, baselines, identity
from training.corpus import sentences
from training.documents import Document
from training.metrics import figures
from training.recipe import Recipe, from_dict
from training.rows import Making, Row, rows, slug
from training.score import readable, score
from training.splits import Splits
from training.train import train

RECIPES: Final = Path(__file__).parent / "comparison.toml"
TASKS: Final = ("sentiment", "spam")
RECURRENT: Final = ("rnn", "lstm", "gru")
SHIPPED: Final = "shipped: "
"""What the row of an artefact that comes along begins with."""
TIMED: Final = 512
"""Documents of a test, about so many, that the speed is measured on."""


def recipes(task: str) -> dict[str, Recipe]:
    """The rows' names and their recipes."""
    table = tomllib.loads(RECIPES.read_text("utf-8"))
    found = {}
    for name, row in table["rows"].items():
        sizes = (table["sizes"]["recurrent"] if row["family"] in RECURRENT else {}) | row.get("sizes", {})
        found[name] = from_dict(table["common"] | table["tasks"][task] | row | {"sizes": sizes})
    return found


def compare(task: str, data_dir: Path, output: Path, device: torch.device, minutes: float = 0.0) -> Iterator[Row]:
    """The rows, one per test, as they are made or found; no new one is begun after `minutes` (0: all of them)."""
    chosen = recipes(task)
    first = next(iter(chosen.values()))
    splits = sources.splits(first, sources.documents(first, data_dir), data_dir)
    data = sources.summaries(first, data_dir)
    makers: dict[str, tuple[Any, Callable[[Path], list[Row]]]] = {}
    # What all else is held against is made first, so that a slice of the table has it.
    for name, learn in baselines(first.labels, first.sets).items():
        makers[name] = (identity(name), _baseline(learn, splits))
    for path in sorted(PRETRAINED.glob(f"{task}-*/config.toml")):
        shipped = load(path.parent)
        makers[SHIPPED + shipped.name] = (shipped.digest, _shipped(shipped, path.parent, splits, device))
    for name, recipe in chosen.items():
        makers[name] = (recipe.told(), _trained(recipe, splits, data_dir, device))
    makings = [Making(name, output / task / slug(name), [what, data], make) for name, (what, make) in makers.items()]
    for name, found in rows(makings, minutes):
        yield from ({"row": name} | row for row in found)


def _trained(recipe: Recipe, splits: Splits, data_dir: Path, device: torch.device) -> Callable[[Path], list[Row]]:
    def make(folder: Path) -> list[Row]:
        resume = checkpoint.fits(folder, recipe)
        artefact = train(recipe, data_dir, folder, device=device, resume=resume, beside=False)
        return _rows(artefact, artefact.report["test"], splits, device)

    return make


def _shipped(artefact: Artefact, folder: Path, splits: Splits, device: torch.device) -> Callable[[Path], list[Row]]:
    """Scored on the tests of this comparison, whatever its own are."""

    def make(_: Path) -> list[Row]:
        predictor = Predictor(artefact, device)
        tests = {name: figures(score(predictor, of, name), artefact.thresholds) for name, of in splits.tests.items()}
        size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".toml", ".txt"))
        return [row | {"bytes": size} for row in _rows(artefact, tests, splits, device)]

    return make


def _rows(artefact: Artefact, tests: Mapping[str, Any], splits: Splits, device: torch.device) -> list[Row]:
    report = artefact.report
    shared = {
        "parameters": sum(p.numel() for p in artefact.classifier.parameters()),
        "beside_tables": _beside_tables(artefact.classifier),
        "bytes": report.get("sizes", {}).get("bytes"),
        # Like that of the baselines, from texts to what predicts; reports of old tell of epochs alone.
        "training_seconds": report.get("spent", {}).get("cpu_seconds"),
    }
    read = _reader(artefact, device)
    speed = {name: _speed(read, readable(artefact, splits.tests[name])) for name in tests}
    refused = report.get("refused", {})
    return [
        {"test": name, "refused": refused.get(name, 0.0)}
        | shared
        | _told(entry)
        | {"sentences_per_second": speed[name]}
        for name, entry in tests.items()
    ]


def _beside_tables(classifier: nn.Module) -> int:
    """The parameters that stand in no table of embeddings or of the linear path, which are as large as the vocabulary
    makes them: those of convolutions, cells and dense layers."""
    tables = {id(p) for module in classifier.modules() if isinstance(module, nn.Embedding) for p in module.parameters()}
    return sum(p.numel() for p in classifier.parameters() if id(p) not in tables)


def _told(entry: Mapping[str, Any]) -> Row:
    """The figures of one test that the table tells."""
    early = entry["earliness"]
    return {
        "documents": entry["documents"],
        "accuracy": entry["accuracy"],
        "roc_auc": entry["roc_auc"],
        "calibration_error": entry["calibration_error"]["end"]["error"],
        "after_half": early["share"]["50%"],
        "erde_5": early.get("erde", {}).get("5"),
        "erde_50": early.get("erde", {}).get("50"),
        "harmonic_mean": early["stop"]["5%"]["harmonic_mean"],
    }


def _reader(artefact: Artefact, device: torch.device) -> Callable[[Sequence[Document]], None]:
    """Through the door that serves, 64 documents a batch."""
    predictor = Predictor(artefact, device)

    def read(documents: Sequence[Document]) -> None:
        for start in range(0, len(documents), 64):
            cut = sentences(documents[start : start + 64], artefact.language)
            predictor.advance([(None, of) for of in cut])

    return read


def _speed(read: Callable[[Sequence[Document]], object], documents: Sequence[Document]) -> float:
    """Sentences per second of processor time, from texts to probabilities; the best of three."""
    some = documents[:: max(1, len(documents) // TIMED)]
    best = float("inf")
    for _ in range(3):
        began = cost.processor()
        read(some)
        best = min(best, cost.processor() - began)
    return sum(map(len, sentences(some))) / best


def _baseline(learn: Learn, splits: Splits) -> Callable[[Path], list[Row]]:
    """Only PySS3 has probabilities on the way; of the others the end alone is told."""

    def make(_: Path) -> list[Row]:
        began = cost.processor()
        classify = learn(splits.train, splits.validation)
        seconds = cost.processor() - began
        return [] if classify is None else [_whole(classify, name, of, seconds) for name, of in splits.tests.items()]

    return make


def _whole(classify: Classify, name: str, documents: list[Document], seconds: float) -> Row:
    scores = classify(documents)
    told = _told(figures(scores))
    if all(len(p) == 2 for p in scores.probabilities):
        told |= dict.fromkeys(("after_half", "erde_5", "erde_50", "harmonic_mean"))
    return {"test": name, "training_seconds": seconds} | told | {"sentences_per_second": _speed(classify, documents)}
