"""Whatever scores: a model in this process, or a running service.

options --open_scorer--> Local (Predictor.advance) or Remote (client) --predict--> Prediction or Refused each
                                                                      --talk--> Talk, line by line
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Protocol

from cli.exits import CONFIG, USAGE, Stopped
from client import Prediction, Refused
from models import shipped

Answer = Prediction | Refused


class Talk(Protocol):
    """One conversation."""

    def say(self, line: str) -> Prediction:
        """Scores what comes next, from where the line before has left off; it ends its last sentence."""

    def close(self) -> None:
        """Forgets it."""


class Scorer(Protocol):
    def predict(self, texts: Sequence[str]) -> list[Answer]:
        """Scores texts, each for itself; what is wrong with one of them stands in its place."""

    def talk(self) -> Talk:
        """A new conversation."""

    def identity(self) -> str:
        """What determines the scores: the model's digest."""

    def positive(self, answer: Prediction) -> bool:
        """Whether the label is the positive one, which is the model's last."""

    def close(self) -> None:
        """Lets go of what was opened."""


def open_scorer(options: argparse.Namespace) -> Scorer:
    """Imports torch only where a model is loaded here."""
    if options.url is not None:
        from cli.remote import Remote

        if options.task is None:
            raise Stopped(USAGE, "--url needs --task: a service has models for several tasks")
        return Remote(options)
    from cli.local import Local

    return Local(model_folder(options.task, options.model), options.task, options.threshold)


def model_folder(task: str | None, model: str | None) -> str:
    """The model that is asked for: by name or folder, else the first of the task in UNDERTONE_MODELS."""
    among = [name.strip() for name in os.environ.get("UNDERTONE_MODELS", "").split(",") if name.strip()]
    among = among or list(shipped.DEFAULTS)
    if model is None:
        tasks = sorted({found for name in among if (found := shipped.task_of(name))})
        if task is None:
            raise Stopped(USAGE, f"which task? Name one with --task ({', '.join(tasks)}), or a model with --model")
        model = shipped.first(task, among)
        if model is None:
            raise Stopped(USAGE, f"no model for task {task!r}, there are models for: {', '.join(tasks)}")
    elif shipped.task_of(model) is None:
        raise Stopped(
            CONFIG,
            f"there is no model in {shipped.folder(model)}: name a shipped one ({', '.join(shipped.names())}) "
            "or a folder that `python -m training train` wrote, with a slash in its name",
        )
    return model
