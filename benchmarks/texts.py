"""What is sent: an SMS as they are on average (two sentences, 80 code points), a mail of twelve sentences, and others.

SENTENCES --a sample by a fixed seed, joined--> texts whose answers are compared
"""

from __future__ import annotations

import random
from itertools import cycle, islice
from typing import Final

from benchmarks.server import ROOT
from models.sentences import split

SMS: Final = "You have won a free prize worth 500 pounds! Text WIN to 80085 before midnight."
SENTENCES: Final = [s.text for s in split((ROOT / "docs" / "phishing.txt").read_text("utf-8")) if s.text[-1] in ".!?"]
MAIL_SENTENCES: Final = 12
LARGE: Final = 1_000_000
"""Code points of the largest text that is served."""


def conversation(sentences: int) -> str:
    """A text of so many sentences."""
    return " ".join(islice(cycle(SENTENCES), sentences))


MAIL: Final = conversation(MAIL_SENTENCES)


def some(number: int) -> list[str]:
    """Texts of one to twelve sentences, the same ones each time."""
    chance = random.Random(0)
    return [" ".join(chance.choices(SENTENCES, k=chance.randint(1, MAIL_SENTENCES))) for _ in range(number)]
