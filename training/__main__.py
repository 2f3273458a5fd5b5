"""The command line of training.

python -m training data      what is there, and whether it is what was published; --download fetches it
python -m training train     RECIPE.toml [key=value …]: an artefact, its report and its card
python -m training evaluate  [ARTEFACT …]: the table of accuracies on the tests
python -m training draw      TEXT OUTPUT.png: the running probability of a text, as a picture
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from models.errors import UndertoneError
from models.shipped import PRETRAINED
from training import evaluate, parallel, publishers, recipe
from training.datasets import SETS, check
from training.draw import draw
from training.errors import DataError, RecipeError, TrainingError
from training.train import follow, train


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives back the exit status: 0, or 1 with the reason on standard error."""
    options = parser().parse_args(arguments)
    try:
        commands[options.command](options)
    except (TrainingError, UndertoneError) as error:
        print(f"{options.command}: {error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m training", description="Makes and measures the classifiers.")
    commands = top.add_subparsers(dest="command", required=True)
    data = _command(commands, "data", "checks the data sets against what was published, or downloads them")
    data.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)} (default: all)")
    data.add_argument("--download", action="store_true", help="fetch the sets from their publishers first")
    data.add_argument("--mirror", default="", metavar="URL", help="fetch the same file names from this address instead")
    learn = _command(commands, "train", "trains a recipe into an artefact")
    learn.add_argument("recipe", type=Path, metavar="RECIPE.toml")
    learn.add_argument("overrides", nargs="*", metavar="key=value", help="such as epochs=3 or sizes.hidden=64")
    learn.add_argument(
        "--output", type=Path, metavar="DIR", help="where the artefact goes (default: runs/<task>-<family>)"
    )
    learn.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    learn.add_argument("--trial", action="store_true", help="an experiment: the tests are not scored")
    _device(learn)
    score = _command(commands, "evaluate", "prints the accuracies of artefacts on the tests")
    score.add_argument(
        "artefacts", nargs="*", type=Path, metavar="ARTEFACT", help="folders (default: all shipped ones)"
    )
    _device(score)
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


def _device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device", default="cuda" if torch.cuda.is_available() else "cpu", help="(default: %(default)s)"
    )


def _data(options: argparse.Namespace) -> None:
    if unknown := set(options.sets) - set(SETS):
        raise DataError(f"unknown sets: {', '.join(sorted(unknown))}; known are {', '.join(SETS)}")
    problems = []
    for name in options.sets or SETS:
        if options.download:
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
    with parallel.group(torch.device(options.device)) as device:
        if parallel.rank() > 0:
            follow(chosen, options.data_dir, folder, device=device, resume=options.resume)
            return
        artefact = train(chosen, options.data_dir, folder, device=device, resume=options.resume, trial=options.trial)
    print(f"{folder}: {artefact.digest}")
    sides = {f"validation, {name}": entry for name, entry in artefact.report["validation_by_set"].items()}
    for name, entry in {"validation": artefact.report["validation"], **sides, **artefact.report["test"]}.items():
        print(f"{name}: {entry['documents']:,} documents, accuracy {entry['accuracy']:.2%}, ROC AUC {entry['roc_auc']}")


def _evaluate(options: argparse.Namespace) -> None:
    for line in evaluate.evaluate(options.artefacts, options.data_dir, torch.device(options.device)):
        print(line, flush=True)


def _draw(options: argparse.Namespace) -> None:
    draw(options.text.read_text("utf-8"), options.artefact, options.output)


commands = {"data": _data, "train": _train, "evaluate": _evaluate, "draw": _draw}

if __name__ == "__main__":
    sys.exit(main())
