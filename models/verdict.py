"""What is said of a text beside its probabilities: label, when it was decided, and what to beware of.

Steps --Verdict.after, one by one--> label, decided_at, warnings     (artefact, asked) --threshold--> its number
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from models.english import foreign
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from models.artefact import Artefact
    from models.predictor import Step

NEVER: Final = -1
FEW_WORDS: Final = 3
MOSTLY: Final = 0.5
NOT_ENGLISH: Final = "not_english"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a text so far: `label` (its index) and `decided_at`, NEVER where there is none yet."""

    threshold: float | None
    label: int = NEVER
    decided_at: int = NEVER
    words: int = 0
    unknown: int = 0
    common: int = 0

    def after(self, index: int, step: Step) -> Verdict:
        """The same with the sentence of that index."""
        label = self.label_of(step)
        decided_at = self.decided_at if label == self.label else index
        return Verdict(
            self.threshold,
            label,
            decided_at,
            self.words + step.words,
            self.unknown + step.unknown,
            self.common + step.common,
        )

    def label_of(self, step: Step) -> int:
        """The positive label is the last; with more than two there is no threshold."""
        if self.threshold is None:
            return step.probabilities.index(max(step.probabilities))
        return int(step.probabilities[-1] >= self.threshold)

    @property
    def warnings(self) -> list[str]:
        if self.words == 0:
            return ["no_words"]
        holds = {
            "very_short": self.words < FEW_WORDS,
            "mostly_unknown_words": self.unknown > MOSTLY * self.words,
            NOT_ENGLISH: foreign(self.words, self.unknown, self.common),
        }
        return [warning for warning, held in holds.items() if held]


def threshold(artefact: Artefact, asked: float | str | None) -> float | None:
    """The probability from which the positive label is given; None with more than two labels.

    `asked` is a number, or "fpr:" and one of the artefact's false-positive rates; None is 0.5. Raises
    InvalidRequest.
    """
    if len(artefact.labels) > 2:
        if asked is not None:
            raise InvalidRequest(
                f"{artefact.name} has {len(artefact.labels)} labels and so no threshold: leave it out",
                field="threshold",
            )
        return None
    if isinstance(asked, str):
        rate = asked.removeprefix("fpr:")
        if asked == rate or rate not in artefact.thresholds:
            known = ", ".join(f'"fpr:{rate}"' for rate in artefact.thresholds) or "none"
            raise InvalidRequest(
                f"threshold is {asked[:80]!r}, wanted is a number above 0 and below 1, or one of {known}",
                field="threshold",
            )
        return artefact.thresholds[rate]
    return 0.5 if asked is None else asked
