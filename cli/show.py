"""Scores for people and for programs: a coloured bar a sentence, or JSON.

Prediction --head, bar--> terminal (colours unless NO_COLOR, as wide as it is now) or a pipe
           --as_json--> one line of JSON
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.style import Style
from rich.text import Text

from client import Prediction, Refused

CALM: Final = (0, 114, 178)
ALARM: Final = (213, 94, 0)
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind people tell apart."""
EIGHTHS: Final = " ▏▎▍▌▋▊▉"
NARROWEST: Final = 8
WIDEST: Final = 40


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # rich would end the program with status 1


def terminal(*, error: bool = False) -> Console:
    """Standard output, or error; what is not a terminal gets no colours, and rich obeys NO_COLOR."""
    return _Terminal(stderr=error, highlight=False, emoji=False, markup=False)


def clean(text: str) -> str:
    """Text that cannot steer a terminal: one line, without control characters and what turns writing round."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def head(name: str, answer: Prediction) -> Text:
    """`spam.txt: spam 99.9 % after 3 sentences, since the first (spam-gru)`."""
    count = f"{len(answer.sentences):,} sentence{'s' * (len(answer.sentences) != 1)}"
    since = "" if answer.decided_at is None else f", decided at {answer.decided_at + 1:,}"
    beware = f"; {', '.join(answer.warnings).replace('_', ' ')}" if answer.warnings else ""
    said = Text(f"{clean(name)}: ") if name else Text()
    said.append(f"{answer.label} {answer.probabilities[answer.label]:.1%}", Style(bold=True))
    return said.append(f" after {count}{since} ({answer.model.name}{beware})")


def bar(console: Console, probability: float, text: str) -> Text:
    """The running probability, drawn, and the sentence: a line for `show`."""
    width = max(NARROWEST, min(WIDEST, console.width // 3))
    eighths = round(probability * width * 8)
    full, rest = divmod(eighths, 8)
    drawn = "#" * full if console.options.ascii_only else "█" * full + EIGHTHS[rest].strip()
    mixed = (round(calm + (alarm - calm) * probability) for calm, alarm in zip(CALM, ALARM, strict=True))
    colour = Style(color="#{:02x}{:02x}{:02x}".format(*mixed))
    said = Text(f"{probability:6.1%} ")
    said.append(drawn.ljust(width), colour).append(f" {clean(text)}")
    return said


def show(console: Console, line: Text) -> None:
    """Writes a line: in a terminal cut to its width, with an ellipsis; in a pipe as long as it is."""
    if console.is_terminal:
        console.print(line, no_wrap=True, overflow="ellipsis")
    else:
        console.print(line, soft_wrap=True)


def as_json(answer: Prediction | Refused) -> dict[str, Any]:
    """The answer as the API writes it."""
    if isinstance(answer, Refused):
        detail = {name: value for name, value in vars(answer).items() if value is not None}
        return {"error": {name: detail[name] for name in detail if name not in ("status", "retry_after")}}
    said = asdict(answer)
    for name in ("session", "mail"):  # a mail is read here, and sent as its text
        del said[name]
    for sentence in said["sentences"]:
        for name in ("state", "text", "final"):
            del sentence[name]
    return said


def line_of_json(data: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()
