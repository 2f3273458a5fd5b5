"""Where a training stands after an epoch, on disk without pickle.

weights, best weights, their mean, Adam's moments --safetensors--> checkpoint.safetensors
curve, recipe                         --JSON--> the same file's metadata, so both are written at once
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from training.draft import draft
from training.errors import RecipeError
from training.recipe import Recipe, from_dict

FILE: Final = "checkpoint.safetensors"
_FORM: Final = "2"
"""Raised whenever a checkpoint holds something else than before."""


@dataclass(frozen=True)
class Progress:
    """The weights of the best epoch so far, and the figures of every epoch."""

    best: dict[str, Tensor]
    curve: list[dict[str, float]] = field(default_factory=list)

    @property
    def since_best(self) -> int:
        """Epochs since the running accuracy on validation was highest.

        Accuracy, because calibration comes later: an overconfident epoch has a bad loss and may be right all
        the same. Running, because every sentence's answer counts, and so many are a steadier measure than one.
        """
        figures = [entry["validation_running_accuracy"] for entry in self.curve]
        return len(figures) - 1 - figures.index(max(figures)) if figures else 0

    def after(self, entry: dict[str, float], weights: dict[str, Tensor]) -> Progress:
        progress = Progress(self.best, [*self.curve, entry])
        return progress if progress.since_best else Progress(weights, progress.curve)


def weights(classifier: nn.Module) -> dict[str, Tensor]:
    """A copy of the weights, which goes on as it is while training goes on."""
    return {name: tensor.detach().clone() for name, tensor in classifier.state_dict().items()}


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What Adam has beside the weights, as tensors with names of their own."""
    state = optimiser.state_dict()["state"]
    return {f"adam.{number}.{name}": tensor for number, of in state.items() for name, tensor in of.items()}


def put_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Those of `moments` back to where they were; of the tensors others may be left."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(tensors, "adam").items():
        number, _, moment = name.partition(".")
        state.setdefault(int(number), {})[moment] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def save(
    folder: Path,
    classifier: nn.Module,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    progress: Progress,
    average: nn.Module | None = None,
) -> None:
    """Writes the checkpoint; a cut leaves the last one whole."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"weights.{name}": tensor for name, tensor in weights(classifier).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in progress.best.items()}
    tensors |= {f"average.{name}": tensor for name, tensor in weights(average).items()} if average else {}
    tensors |= moments(optimiser)
    metadata = {"recipe": json.dumps(recipe.to_dict()), "curve": json.dumps(progress.curve), "form": _FORM}
    with draft(folder / FILE) as part:
        safetensors.torch.save_file(tensors, part, metadata=metadata)


def fits(folder: Path, recipe: Recipe) -> bool:
    """Whether there is a checkpoint of this recipe to go on from."""
    path = folder / FILE
    if not path.is_file():
        return False
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    return metadata.get("form") == _FORM and from_dict(json.loads(metadata["recipe"])) == recipe


def curve(folder: Path) -> list[dict[str, float]]:
    """The epochs of the checkpoint there; none where there is none."""
    if not (folder / FILE).is_file():
        return []
    with safetensors.safe_open(folder / FILE, framework="pt") as file:
        found: list[dict[str, float]] = json.loads(file.metadata()["curve"])
    return found


def load(
    folder: Path,
    classifier: nn.Module,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    average: nn.Module | None = None,
) -> Progress:
    """Puts the classifier, the optimiser and the mean of the weights, if there is one, where they stood; the recipe
    must be the one of the checkpoint."""
    path = folder / FILE
    if not path.is_file():
        raise RecipeError(f"{path} does not exist, so there is nothing to resume: train without --resume")
    tensors, metadata = contents(path)
    if metadata.get("form") != _FORM:
        raise RecipeError(f"{path} was written by another version of this code: train without --resume")
    before = from_dict(json.loads(metadata["recipe"]))
    if before != recipe:
        changed = [name for name, value in recipe.to_dict().items() if value != before.to_dict()[name]]
        raise RecipeError(f"{path} is of another recipe, they differ in {', '.join(changed)}: train without --resume")
    classifier.load_state_dict(_part(tensors, "weights"))
    if average:
        average.load_state_dict(_part(tensors, "average"))
    put_moments(optimiser, tensors)
    return Progress(_part(tensors, "best"), json.loads(metadata["curve"]))


def contents(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file, and what it says of them."""
    with safetensors.safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        return tensors, file.metadata() or {}


def _part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those of one part, by the rest of their names."""
    start = f"{name}."
    return {of.removeprefix(start): tensor for of, tensor in tensors.items() if of.startswith(start)}
