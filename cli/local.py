"""Scoring in this process, through the door that the service uses.

    texts --split--> sentences --turns: a piece of each of many texts--> Predictor.advance --> Prediction each

Sentences of many texts go through the model in one batch; of a long text only some at a time, so that
memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from cli.exits import USAGE, Stopped
from client import ModelId, Prediction, Refused
from client import Sentence as Scored
from models import shipped
from models.artefact import load
from models.errors import UndertoneError
from models.predictor import Predictor, Step
from models.sentences import Sentence, split
from models.verdict import NEVER, Verdict, threshold

TEXTS: Final = 64
"""Texts of a batch."""
SENTENCES: Final = 64
"""Sentences of one text in a batch."""


@dataclass
class _Reading:
    """A text that is being scored: how far it is, and the state there."""

    verdict: Verdict
    state: bytes | None = None
    first: int = 0
    sentences: list[Sentence] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    prior: Step | None = None
    refused: Refused | None = None

    @property
    def left(self) -> list[Sentence]:
        return self.sentences[len(self.steps) : len(self.steps) + SENTENCES]

    def then(self, sentences: list[Sentence]) -> _Reading:
        """What follows, from the state that this one has reached."""
        return _Reading(self.verdict, self.state, self.first + len(self.steps), sentences)


class Local:
    """One artefact, on the GPU where there is one."""

    def __init__(self, model: str, task: str | None, asked: float | str | None) -> None:
        self.artefact = load(shipped.folder(model))
        if task not in (None, self.artefact.task):
            raise Stopped(USAGE, f"{self.artefact.name} does {self.artefact.task}, not {task}: leave --task out")
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self._predictor = Predictor(self.artefact, "cuda" if torch.cuda.is_available() else "cpu")
        self._threshold = threshold(self.artefact, asked)

    def predict(self, texts: Sequence[str]) -> list[Prediction | Refused]:
        readings = [self._begin(text) for text in texts]
        # Of a length together: a batch takes as many steps as its longest text has sentences.
        order = sorted(readings, key=lambda reading: len(reading.sentences))
        for start in range(0, len(order), TEXTS):
            self._read(order[start : start + TEXTS])
        return [self._answer(reading) for reading in readings]

    def talk(self) -> _Talk:
        return _Talk(self)

    def identity(self) -> str:
        return self.artefact.digest

    def positive(self, answer: Prediction) -> bool:
        return answer.label == self.artefact.labels[-1]

    def close(self) -> None:
        """There is nothing to let go of."""

    def next(self, before: _Reading, text: str) -> tuple[_Reading, Prediction]:
        """Scores what comes after `before`."""
        reading = before.then(split(text, self.artefact.language))
        self._read([reading])
        answer = self._answer(reading)
        if isinstance(answer, Refused):
            raise answer
        return reading, answer

    def beginning(self) -> _Reading:
        return _Reading(Verdict(self._threshold))

    def _begin(self, text: str) -> _Reading:
        reading = self.beginning()
        if text.strip():
            reading.sentences = split(text, self.artefact.language)
        else:
            said = "the text is empty, or blank: there has to be one visible character"
            reading.refused = Refused(400, "empty_text", said, "text")
        return reading

    def _read(self, readings: list[_Reading]) -> None:
        while readings := [reading for reading in readings if reading.left and not reading.refused]:
            turn = [(reading.state, [sentence.text for sentence in reading.left]) for reading in readings]
            for reading, advance in zip(readings, self._predictor.advance(turn), strict=True):
                if isinstance(advance, UndertoneError):
                    e = advance
                    reading.refused = Refused(e.status, e.code, e.message, e.field, e.limit, e.value)
                    continue
                reading.prior = reading.prior or advance.prior
                for index, step in enumerate(advance.steps, reading.first + len(reading.steps)):
                    reading.verdict = reading.verdict.after(index, step)
                reading.steps += advance.steps
                reading.state = advance.state

    def _answer(self, reading: _Reading) -> Prediction | Refused:
        if reading.refused is not None or reading.prior is None:
            return reading.refused or Refused(400, "empty_text", "the text is empty", "text")
        labels, last = self.artefact.labels, reading.steps[-1]
        verdict = reading.verdict
        return Prediction(
            task=self.artefact.task,
            label=labels[verdict.label_of(last)],
            probability=last.probabilities[-1],
            probabilities=dict(zip(labels, last.probabilities, strict=True)),
            prior=reading.prior.log_odds,
            threshold=verdict.threshold,
            decided_at=None if verdict.decided_at == NEVER else verdict.decided_at,
            warnings=tuple(verdict.warnings),
            model=ModelId(name=self.artefact.name, digest=self.artefact.digest),
            sentences=tuple(
                Scored(
                    index=index,
                    offset=sentence.offset,
                    length=sentence.length,
                    probability=step.probabilities[-1],
                    delta=step.delta,
                )
                for index, (sentence, step) in enumerate(
                    zip(reading.sentences, reading.steps, strict=True), start=reading.first
                )
            ),
        )


class _Talk:
    def __init__(self, local: Local) -> None:
        self._local = local
        self._reading = local.beginning()

    def say(self, line: str) -> Prediction:
        self._reading, answer = self._local.next(self._reading, line)
        return answer

    def close(self) -> None:
        """Nothing is kept."""
