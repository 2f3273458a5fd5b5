"""From the steps of a model to what the wire says of them.

sentences, Advance --Tally.add--> a dict each, and at the end --Tally.verdict--> label and reasons
                   --Decision.needed--> where a stream may stop
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.sentences import Sentence
from models.verdict import NEVER, Verdict
from service.record import Mark
from service.wire import LinkOut, MailOut, ModelId, PartOut

if TYPE_CHECKING:
    from models.mail import Mail
    from models.predictor import Advance, Step
    from service.catalogue import Model
    from service.metrics.metrics import Meter

IN_A_ROW: Final = 2
"""Sentences of one label, each sure enough, that decide a stream early."""


class Tally:
    """Follows one request from the mark before it, sentence by sentence; `mail` is what its text was read from."""

    def __init__(self, model: Model, threshold: float | None, start: Mark, mail: Mail | None = None) -> None:
        self.model = model
        self.now = start
        self._start = start.step
        self.mail = mail
        self._seen = Verdict(threshold, start.label, start.decided_at)
        self._prior: Step | None = None
        self._last: Step | None = None

    @property
    def started(self) -> bool:
        return self._prior is not None

    def add(self, sentences: Sequence[Sentence], advance: Advance) -> list[dict[str, Any]]:
        """Counts one turn in, and says what the wire says of its sentences: a SentenceOut each, as a dict."""
        first = self._see(sentences, advance)
        said: list[dict[str, Any]] = [
            {
                "index": index,
                "offset": sentence.offset,
                "length": sentence.length,
                "probability": step.probabilities[-1],
                "delta": step.delta,
            }
            for index, (sentence, step) in enumerate(zip(sentences, advance.steps, strict=True), start=first)
        ]
        if self.mail is not None:
            for sentence, of_it in zip(sentences, said, strict=True):
                of_it["text"] = sentence.text
        return said

    def stream(self, sentences: Sequence[Sentence], advance: Advance) -> list[dict[str, Any]]:
        """As `add`, with what the readout sees: a StreamedSentence each, as a dict."""
        states = _floats([step.features for step in advance.steps])
        return [{**said, "state": state} for said, state in zip(self.add(sentences, advance), states, strict=True)]

    def count(self, meter: Meter) -> None:
        """The text is at its end."""
        if self._last is not None:
            decided = None if self.now.decided_at == NEVER else self.now.decided_at
            meter.finished(self._last, self.label(self._last), self.now.step - self._start, decided)

    def verdict(self) -> dict[str, Any]:
        """The fields of a Verdict, but for the session."""
        if self._prior is None or self._last is None:
            raise RuntimeError("verdict() comes after the first turn")
        labels = self.model.labels
        return {
            "task": self.model.task,
            "label": labels[self.label(self._last)],
            "probability": self._last.probabilities[-1],
            "probabilities": dict(zip(labels, self._last.probabilities, strict=True)),
            "prior": self._prior.log_odds,
            "threshold": self._seen.threshold,
            "decided_at": None if self.now.decided_at == NEVER else self.now.decided_at,
            "warnings": self._seen.warnings,
            "model": ModelId(name=self.model.name, digest=self.model.digest),
            **({} if self.mail is None else {"mail": _said(self.mail)}),
        }

    def _see(self, sentences: Sequence[Sentence], advance: Advance) -> int:
        """Moves `now` on; the index of the turn's first sentence."""
        if self._prior is None:
            self._prior = self._last = advance.prior
        first = self.now.step
        for index, step in enumerate(advance.steps, start=first):
            self._seen = self._seen.after(index, step)
            self._last = step
        column = sentences[-1].column if sentences else self.now.column
        self.now = Mark(first + len(advance.steps), advance.state, self._seen.label, self._seen.decided_at, column)
        return first

    def label(self, step: Step) -> int:
        """The label that a step stands for, by its index."""
        return self._seen.label_of(step)


class Decision:
    """Early decision: max(probability, 1 - probability) >= `stop_at` for two sentences in a row of one label.

    Without `stop_at` none is made.
    """

    def __init__(self, tally: Tally, stop_at: float | None) -> None:
        self._tally = tally
        self._stop_at = stop_at
        self._label = NEVER
        self._row = 0

    @property
    def made(self) -> bool:
        return self._row >= IN_A_ROW

    def needed(self, steps: Sequence[Step], *, all_of_them: bool = False) -> int:
        """How many of `steps` are wanted: those up to the decision, else all."""
        for number, step in enumerate(steps, start=1):
            label = self._tally.label(step)
            sure = self._stop_at is not None and max(step.probabilities) >= self._stop_at
            self._row = (self._row + 1 if label == self._label else 1) if sure else 0
            self._label = label
            if self.made and not all_of_them:
                return number
        return len(steps)


def _said(mail: Mail) -> MailOut:
    return MailOut(
        parts=[PartOut(path=p.path, content_type=p.content_type, charset=p.charset) for p in mail.parts],
        links=[LinkOut(url=link.url, text=link.text, mismatched=link.mismatched) for link in mail.links],
        hidden=mail.hidden,
    )


def _floats(rows: Sequence[bytes]) -> list[list[float]]:
    """float32 numbers to six places, which is what they are good for; rows of one length, at least one."""
    numbers = np.frombuffer(b"".join(rows), "<f4").astype(np.float64)
    rounded: list[list[float]] = numbers.round(6).reshape(len(rows), -1).tolist()
    return rounded
