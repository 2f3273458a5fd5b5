"""From the steps of a model to what the wire says of them.

sentences, Advance --Tally.add--> SentenceOut each, and at the end --Tally.verdict--> label and reasons
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from models.sentences import Sentence
from service.record import NEVER, Mark
from service.wire import LinkOut, MailOut, ModelId, PartOut, SentenceOut, StreamedSentence

if TYPE_CHECKING:
    from models.mail import Mail
    from models.predictor import Advance, Step
    from service.catalogue import Model

FEW_WORDS: Final = 3
MOSTLY: Final = 0.5


class Tally:
    """Follows one request from the mark before it, sentence by sentence; `mail` is what its text was read from."""

    def __init__(self, model: Model, threshold: float | None, start: Mark, mail: Mail | None = None) -> None:
        self.model = model
        self.threshold = threshold
        self.now = start
        self.mail = mail
        self._prior: Step | None = None
        self._last: Step | None = None
        self._words = 0
        self._unknown = 0

    @property
    def started(self) -> bool:
        return self._prior is not None

    def add(self, sentences: Sequence[Sentence], advance: Advance) -> list[SentenceOut]:
        """Counts one turn in, and says what the wire says of its sentences."""
        first = self._see(advance)
        return [
            SentenceOut(
                index=index,
                offset=sentence.offset,
                length=sentence.length,
                text=None if self.mail is None else sentence.text,
                probability=step.probabilities[-1],
                delta=step.delta,
            )
            for index, (sentence, step) in enumerate(zip(sentences, advance.steps, strict=True), start=first)
        ]

    def stream(self, sentences: Sequence[Sentence], advance: Advance) -> list[StreamedSentence]:
        """As `add`, with what the readout sees."""
        return [
            StreamedSentence(**dict(said), state=_floats(step.features))
            for said, step in zip(self.add(sentences, advance), advance.steps, strict=True)
        ]

    def verdict(self) -> dict[str, Any]:
        """The fields of a Verdict, but for the session."""
        if self._prior is None or self._last is None:
            raise RuntimeError("verdict() comes after the first turn")
        labels = self.model.labels
        return {
            "task": self.model.task,
            "label": labels[self._label(self._last)],
            "probability": self._last.probabilities[-1],
            "probabilities": dict(zip(labels, self._last.probabilities, strict=True)),
            "prior": self._prior.log_odds,
            "threshold": self.threshold,
            "decided_at": None if self.now.decided_at == NEVER else self.now.decided_at,
            "warnings": self._warnings(),
            "model": ModelId(name=self.model.name, digest=self.model.digest),
            "mail": None if self.mail is None else _said(self.mail),
        }

    def _see(self, advance: Advance) -> int:
        """Moves `now` on; the index of the turn's first sentence."""
        if self._prior is None:
            self._prior = self._last = advance.prior
        first, label, decided = self.now.step, self.now.label, self.now.decided_at
        for index, step in enumerate(advance.steps, start=first):
            latest = self._label(step)
            if latest != label:
                label, decided = latest, index
            self._words += step.words
            self._unknown += step.unknown
            self._last = step
        self.now = Mark(first + len(advance.steps), advance.state, label, decided)
        return first

    def _label(self, step: Step) -> int:
        if self.threshold is None:
            return step.probabilities.index(max(step.probabilities))
        return int(step.probabilities[-1] >= self.threshold)

    def _warnings(self) -> list[str]:
        if self._words == 0:
            return ["no_words"]
        warnings = ["very_short"] if self._words < FEW_WORDS else []
        return [*warnings, "mostly_unknown_words"] if self._unknown > MOSTLY * self._words else warnings


def _said(mail: Mail) -> MailOut:
    return MailOut(
        parts=[PartOut(path=p.path, content_type=p.content_type, charset=p.charset) for p in mail.parts],
        links=[LinkOut(url=link.url, text=link.text, mismatched=link.mismatched) for link in mail.links],
        hidden=mail.hidden,
    )


def _floats(data: bytes) -> list[float]:
    """float32 numbers to six places, which is what they are good for."""
    return [round(x, 6) for x in struct.unpack(f"<{len(data) // 4}f", data)]
