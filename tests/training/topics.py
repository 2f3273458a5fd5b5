"""A small hand-made file with three labels, in the two formats that `file` of a recipe may have.

texts() --write--> topics.csv, topics.jsonl (here with a label per sentence)
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Final

from tests.training.toy import PLAIN

TOLD: Final = {
    "cooking": ("Stir the soup slowly.", "Add salt and butter.", "Bake the bread for an hour.", "Peel the onions."),
    "sport": ("The striker scored twice.", "They won the match.", "The goalkeeper fell.", "The race was close."),
    "weather": ("Rain is coming tomorrow.", "A storm hit the coast.", "It froze at night.", "The fog will lift."),
}


def texts() -> list[tuple[str, str]]:
    """Forty different texts of three sentences per label: the first one says nothing."""
    return [
        (f"{PLAIN[i % 10]} {told[i % 4]} {told[(i // 10 + 1) % 4]}", label)
        for label, told in TOLD.items()
        for i in range(40)
    ]


def table(folder: Path) -> Path:
    path = folder / "topics.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("text", "label"), *texts()])
    return path


def lines(folder: Path) -> Path:
    """The same as JSON lines; the first sentence has no target, the second and the third have the label."""
    path = folder / "topics.jsonl"
    rows = [{"text": text, "label": label, "labels": [-1, label, label]} for text, label in texts()]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


def recipe(folder: Path, file: Path) -> Path:
    path = folder / "topics.toml"
    path.write_text(f"""
task = "topics"
family = "gru"
file = {json.dumps(str(file))}
epochs = 6
patience = 6
batch = 4
rate = 0.02

[sizes]
embedding = 8
hidden = 8
""")
    return path
