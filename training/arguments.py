"""The command line's arguments: which commands there are, and what each may be told.

words --parser--> Namespace(command, data_dir, recipe, overrides, output, device, …)
"""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path
from typing import Final

import torch

from models.shipped import PRETRAINED
from training import compare, recipe
from training.datasets import SETS

_KEYS: Final = f"the keys of a recipe\n\n{inspect.getdoc(recipe.Recipe)}"


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
    _trainings(without, "-without")
    _minutes(without)
    across = _command(commands, "folds", "cross-validates a recipe beside the baselines; goes on where it was cut")
    _trainings(across, "-folds")
    across.add_argument("--folds", type=int, default=5, metavar="N", help="how many (default: %(default)s)")
    _minutes(across)
    chance = _command(commands, "seeds", "trains a recipe with several seeds; prints each figure's mean and deviation")
    _trainings(chance, "-seeds")
    chance.add_argument("--seeds", type=int, default=3, metavar="N", help="how many, from 1 on (default: %(default)s)")
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


def _trainings(command: argparse.ArgumentParser, ending: str) -> None:
    """What a command takes that trains a recipe more than once."""
    _recipe(command, ending)
    command.add_argument(
        "--card", type=Path, metavar="ARTEFACT", help="put the table into this artefact's report and card, too"
    )
    _device(command)


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
