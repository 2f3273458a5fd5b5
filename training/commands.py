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
import inspect
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from models.artefact import load
from models.errors import UndertoneError
from models.shipped import PRETRAINED
from training import columns, compare, evaluate, folds, leave_out, overview, parallel, publishers, recipe, seeds
from training.datasets import SETS, check
from training.draw import draw
from training.errors import DataError, RecipeError, TrainingError
from training.measure import again, note, refer
from training.rows import Row
from training.train import follow, train

_KEYS: Final = f"the keys of a recipe\n\n{inspect.getdoc(recipe.Recipe)}"


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


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m training", description="Makes and measures the classifiers.")
    commands = top.add_subparsers(dest="command", required=True)
    data = _command(commands, "data", "checks the data sets against what was published, or downloads them")
    data.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)} (default: all)")
    data.add_argument("--download", action="store_true", help="fetch the sets from their publishers first")
    data.add_argument("--mirror", default="", metavar="URL", help="fetch the same file names from this address instead")
    learn = _command(commands, "train", "trains a recipe into an artefact")
    _recipe(learn, "")
    learn.formatter_class, learn.epilog = argparse.RawDescriptionHelpFormatter, _KEYS
    learn.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    learn.add_argument("--trial", action="store_true", help="an experiment: the tests are not scored")
    _device(learn)
    score = _command(commands, "evaluate", "prints the accuracies of artefacts on the tests")
    _artefacts(score)
    score.add_argument(
        "--rewrite", action="store_true", help="measure again all that their reports and cards tell, and write these"
    )
    _device(score)
    met = _command(
        commands,
        "reference",
        "measures the probabilities, lengths and unknown words of artefacts on their validation splits, which the "
        "service holds live ones against, and writes them into their reports; nothing else is measured or changed",
    )
    _artefacts(met)
    _device(met)
    without = _command(commands, "leave-out", "trains a recipe without each of its sets in turn, and scores that one")
    _recipe(without, "-without")
    _minutes(without)
    _card(without)
    _device(without)
    across = _command(commands, "folds", "cross-validates a recipe beside the baselines; goes on where it was cut")
    _recipe(across, "-folds")
    across.add_argument("--folds", type=int, default=5, metavar="N", help="how many (default: %(default)s)")
    _minutes(across)
    _card(across)
    _device(across)
    chance = _command(commands, "seeds", "trains a recipe with several seeds; prints each figure's mean and deviation")
    _recipe(chance, "-seeds")
    chance.add_argument("--seeds", type=int, default=3, metavar="N", help="how many, from 1 on (default: %(default)s)")
    _card(chance)
    _device(chance)
    table = _command(commands, "compare", "trains every family and prints one table of them; goes on where it was cut")
    table.add_argument("--task", choices=compare.TASKS, help="only this one (default: one after the other)")
    table.add_argument(
        "--output",
        type=Path,
        default=Path("runs/compare"),
        metavar="DIR",
        help="rows, CSV, pictures (default: %(default)s)",
    )
    _minutes(table)
    _device(table)
    graph = commands.add_parser("export", help="writes an artefact's step as ONNX, checked against torch")
    graph.add_argument("artefact", type=Path, metavar="ARTEFACT")
    graph.add_argument("--output", type=Path, metavar="DIR", help="where step.onnx goes (default: beside the weights)")
    picture = commands.add_parser("draw", help="draws the running probability of a text, sentence by sentence")
    picture.add_argument("text", type=Path, metavar="TEXT", help="a text file in UTF-8")
    picture.add_argument("output", type=Path, metavar="OUTPUT.png")
    picture.add_argument(
        "--artefact", type=Path, default=PRETRAINED / "spam-gru", metavar="DIR", help="(default: the shipped spam-gru)"
    )
    return top


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.add_argument(
        "--data-dir", type=Path, default=Path("data"), metavar="DIR", help="the data sets (default: data)"
    )
    return command


def _artefacts(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "artefacts", nargs="*", type=Path, metavar="ARTEFACT", help="folders (default: all shipped ones)"
    )


def _recipe(command: argparse.ArgumentParser, ending: str) -> None:
    command.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    command.add_argument("overrides", nargs="*", metavar="key=value", help="such as epochs=3 or sizes.hidden=64")
    command.add_argument(
        "--output", type=Path, metavar="DIR", help=f"where artefacts go (default: runs/<task>-<family>{ending})"
    )


def _card(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--card", type=Path, metavar="ARTEFACT", help="put the table into this artefact's report and card, too"
    )


def _minutes(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--minutes", type=float, default=0.0, metavar="N", help="begin no row after so long (default: make all of them)"
    )


def _device(command: argparse.ArgumentParser) -> None:
    default = "cuda" if torch.cuda.is_available() else "cpu"
    command.add_argument("--device", type=_usable, default=default, metavar="NAME", help="(default: %(default)s)")


def _usable(name: str) -> torch.device:
    """The device of that name, where this torch has it and the machine too."""
    try:
        return torch.zeros(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without
        reason = str(error).splitlines()[0].split(". ")[0].removesuffix(".")
        raise argparse.ArgumentTypeError(f"{name!r} cannot be used here: {reason}; leave it out, or name cpu") from None


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
    device = options.device
    if options.rewrite:
        for folder in evaluate.folders(options.artefacts):
            again(load(folder), options.data_dir, folder, device)
    for line in evaluate.evaluate(options.artefacts, options.data_dir, device):
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
        rows = []
        for row in compare.compare(task, options.data_dir, options.output, options.device, minutes):
            rows.append(row)
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
