"""The command line of training.

python -m training data      what is there, and whether it is what was published; --download fetches it
python -m training train     RECIPE.toml [key=value …]: an artefact, its report and its card
python -m training evaluate  [ARTEFACT …]: the table of accuracies on the tests; --rewrite makes cards again
python -m training reference [ARTEFACT …]: what they met on validation data, for /metrics, into their reports
python -m training leave-out RECIPE.toml [key=value …]: each set left out of training once, and scored whole
python -m training folds     RECIPE.toml [key=value …]: every text scored by a training that has not seen it
python -m training seeds     RECIPE.toml [key=value …]: with several seeds; the mean and spread of each figure
python -m training compare   every family, the baselines and what is shipped, a table per test; goes on where it was cut
python -m training export    ARTEFACT: its step as ONNX, state in and state out
python -m training draw      TEXT OUTPUT.png: the running probability of a text, as a picture
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.artefact import load
from models.errors import UndertoneError
from training import columns, compare, evaluate, folds, leave_out, overview, parallel, publishers, recipe, seeds
from training.arguments import parser
from training.datasets import SETS, check
from training.draw import draw
from training.errors import DataError, RecipeError, TrainingError
from training.measure import again, note, refer
from training.rows import Row
from training.train import follow, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives back the exit status: 0, or 1 with the reason on standard error (130: Ctrl-C)."""
    options = parser().parse_args(arguments)
    try:
        commands[options.command](options)
    except (TrainingError, UndertoneError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{options.command}: stopped", file=sys.stderr)
        return 130
    return 0


def _data(options: argparse.Namespace) -> None:
    if unknown := set(options.sets) - set(SETS):
        raise DataError(f"unknown sets: {', '.join(sorted(unknown))}; known are {', '.join(SETS)}")
    problems = []
    for name in options.sets or SETS:
        if options.download and SETS[name].home is None:
            publishers.fetch(name, options.data_dir, options.mirror)
        for line, good in check(SETS[name], options.data_dir):
            print(line)
            problems += [] if good else [line]
    if problems:
        raise DataError(f"{len(problems)} files differ from what was published: fetch them again with --download")


def _train(options: argparse.Namespace) -> None:
    chosen = recipe.load(options.recipe, options.overrides)
    folder = options.output or Path("runs") / chosen.name
    if chosen.held_out and not options.trial:
        raise RecipeError("held_out is for experiments that choose without the tests: add --trial")
    with parallel.group(options.device) as device:
        if parallel.rank() > 0:
            follow(chosen, options.data_dir, folder, device=device, resume=options.resume)
            return
        artefact = train(chosen, options.data_dir, folder, device=device, resume=options.resume, trial=options.trial)
    print(f"{folder}: {artefact.digest}")
    _costs(artefact.report)
    sides = {f"validation, {name}": entry for name, entry in artefact.report["validation_by_set"].items()}
    for name, entry in {"validation": artefact.report["validation"], **sides, **artefact.report["test"]}.items():
        print(f"{name}: {entry['documents']:,} documents, accuracy {entry['accuracy']:.2%}, ROC AUC {entry['roc_auc']}")


def _costs(report: dict[str, Any]) -> None:
    curve, spent = report["learning_curve"], report["spent"]
    cpu, wall = (max(entry[name] for entry in curve) for name in ("cpu_seconds", "wall_seconds"))
    for what, by_cpu, by_clock, most in (
        (f"{len(curve)} epochs, the longest", cpu, wall, curve[-1]["peak_mb"]),
        ("from texts to a calibrated artefact", spent["cpu_seconds"], spent["wall_seconds"], spent["peak_mb"]),
    ):
        print(f"{what}: {by_cpu:,.1f} s of processor time, {by_clock:,.1f} s by the clock, at most {most:,.0f} MB")


def _evaluate(options: argparse.Namespace) -> None:
    if options.rewrite:
        for folder in evaluate.folders(options.artefacts):
            again(load(folder), options.data_dir, folder, options.device)
    for line in evaluate.evaluate(options.artefacts, options.data_dir, options.device):
        print(line, flush=True)


def _reference(options: argparse.Namespace) -> None:
    for folder in evaluate.folders(options.artefacts):
        found = refer(load(folder), options.data_dir, folder, options.device).report["reference"]
        unknown = found["unknown_words"] / max(found["words"], 1)
        print(f"{folder}: {found['words']:,} words, {unknown:.2%} of them unknown", flush=True)


def _leave_out(options: argparse.Namespace) -> None:
    chosen = _noted(options)
    folder = options.output or Path("runs") / f"{chosen.name}-without"
    rows = []
    for row in leave_out.leave_out(chosen, options.data_dir, folder, options.device, options.minutes):
        rows.append(row)
        leave_out.write(rows, folder)
    print(*leave_out.lines(rows), sep="\n")
    _note(options, chosen, leave_out.COLUMNS, rows)


def _folds(options: argparse.Namespace) -> None:
    chosen = _noted(options)
    folder = options.output or Path("runs") / f"{chosen.name}-folds"
    rows = folds.folds(chosen, options.folds, options.data_dir, folder, options.device, options.minutes)
    folds.write(rows, folder)
    print(*folds.lines(rows), sep="\n")
    _note(options, chosen, {"set": "{}", "cut": "{}"} | folds.COLUMNS, rows)


def _seeds(options: argparse.Namespace) -> None:
    chosen = _noted(options)
    folder = options.output or Path("runs") / f"{chosen.name}-seeds"
    numbers = range(1, options.seeds + 1)
    reports = seeds.seeds(chosen, numbers, options.data_dir, folder, options.device)
    rows = list(seeds.rows(reports))
    print(*columns.lines(seeds.COLUMNS, rows), sep="\n")
    _note(options, chosen, seeds.COLUMNS, rows)


def _noted(options: argparse.Namespace) -> recipe.Recipe:
    """The recipe; that a card is to be had is known before hours are spent on what goes into it."""
    chosen = recipe.load(options.recipe, options.overrides)
    if options.card and (made := load(options.card).name) != chosen.name:
        raise RecipeError(
            f"--card {options.card} is of {made}, and {options.recipe} makes {chosen.name}: name one of it"
        )
    return chosen


def _note(options: argparse.Namespace, chosen: recipe.Recipe, shown: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Puts the table of a command into the card that was named, if one was."""
    if options.card:
        words = [options.command, str(options.recipe), *options.overrides]
        words += [f"--{name}={number}" for name in ("seeds", "folds") if (number := getattr(options, name, None))]
        words += ["--data-dir", "DIR"] if chosen.sets else []
        note(options.card, options.command, f"python -m training {shlex.join(words)}", shown, rows)


def _compare(options: argparse.Namespace) -> None:
    began = time.monotonic()
    for task in [options.task] if options.task else compare.TASKS:
        # What is left of the time for the next task; 0 would be all that it wants.
        minutes = options.minutes and max(options.minutes - (time.monotonic() - began) / 60, sys.float_info.min)
        rows: list[Row] = []
        try:
            rows.extend(compare.compare(task, options.data_dir, options.output, options.device, minutes))
        finally:  # stopped, too
            if rows:  # else it would write over a whole table with none
                overview.write(rows, options.output / task)
        print(*overview.lines(rows), sep="\n", flush=True)


def _export(options: argparse.Namespace) -> None:
    # It brings another engine along, which no other command needs.
    from training import export

    folder = options.output or options.artefact
    worst = export.export(load(options.artefact), folder)
    print(f"{folder / export.FILE}: differs from torch by at most {worst:.1e}")


def _draw(options: argparse.Namespace) -> None:
    draw(options.text.read_text("utf-8"), options.artefact, options.output)


commands = {
    "data": _data,
    "train": _train,
    "evaluate": _evaluate,
    "reference": _reference,
    "leave-out": _leave_out,
    "folds": _folds,
    "seeds": _seeds,
    "compare": _compare,
    "export": _export,
    "draw": _draw,
}
