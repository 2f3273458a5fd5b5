"""Scoring by a running service.

texts --batches--> Client.predict_batch        line --> Client.session, which is deleted at the end
"""

from __future__ import annotations

import argparse
import os
import secrets
from collections.abc import Iterator, Sequence
from typing import Final

from cli.exits import USAGE, Stopped
from client import Client, Model, Options, Prediction, Refused, Session

TEXTS: Final = 64
"""Texts of one request."""
CODE_POINTS: Final = 500_000
"""Of one request, unless a single text is longer: as JSON at most 6 MB, where the service takes 8 MiB."""
KEY: Final = "UNDERTONE_KEY"


class Remote:
    def __init__(self, options: argparse.Namespace) -> None:
        if not options.url.startswith(("http://", "https://")):
            raise Stopped(USAGE, f"--url is {options.url!r}, wanted is http://HOST:PORT or https://…")
        self._client = Client(options.url, os.environ.get(KEY) or None)
        self._task: str = options.task
        self._options: Options = {}
        if options.model is not None:
            self._options["model"] = options.model
        if options.threshold is not None:
            self._options["threshold"] = options.threshold
        self._found: Model | None = None

    @property
    def _model(self) -> Model:
        """What the service will score with."""
        if self._found is None:
            loaded = [model for model in self._client.models() if model.task == self._task]
            named = self._options.get("model")
            fits = [m for m in loaded if (m.default if named is None else named in (m.name, m.digest))]
            if not fits:
                there = ", ".join(model.name for model in loaded) or "none"
                raise Stopped(USAGE, f"the service has no such model for task {self._task!r}, it has: {there}")
            self._found = fits[0]
        return self._found

    def predict(self, texts: Sequence[str]) -> list[Prediction | Refused]:
        answers: list[Prediction | Refused] = []
        for batch in _batches(texts):
            try:
                answers += self._client.predict_batch(batch, task=self._task, **self._options)
            except Refused as error:
                if len(batch) > 1 or error.status != 413:
                    raise
                answers.append(error)
        return answers

    def talk(self) -> _Talk:
        return _Talk(self._client.session(f"watch-{secrets.token_hex(8)}", task=self._task, step=0), self._options)

    def identity(self) -> str:
        return self._model.digest

    def positive(self, answer: Prediction) -> bool:
        return answer.label == self._model.labels[-1]

    def close(self) -> None:
        self._client.close()


class _Talk:
    def __init__(self, session: Session, options: Options) -> None:
        self._session = session
        self._options = options

    def say(self, line: str) -> Prediction:
        return self._session.predict(line, **self._options)

    def close(self) -> None:
        self._session.forget()


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == TEXTS or size + len(text) > CODE_POINTS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
