"""Texts that are not English, written by hand, and how often a model's warnings say so.

    *.txt {texts between lines of "%": first mail and messages, then reviews} --warned--> the warnings of each

The rule of models/english.py was chosen on every other text, the first, third, …, and is judged by those between.
`python -m tests.models.languages [DATA_DIR]` prints both halves, and the false alarms on the sets in DATA_DIR.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from models.predictor import Predictor
from training.documents import Document
from training.foreign import warnings
from training.score import advances

_FILES: Final = sorted(Path(__file__).parent.glob("*.txt"))
LANGUAGES: Final = {path.stem: path.read_text("utf-8").split("\n%\n") for path in _FILES}


def texts(first: int) -> list[str]:
    """Half of the texts of every language: 0, what the rule was chosen by; 1, what it is judged by."""
    return [text for found in LANGUAGES.values() for text in found[first::2]]


def documents(texts: Iterable[str]) -> list[Document]:
    return [Document(str(i), text, 0, "languages/all") for i, text in enumerate(texts)]


def warned(predictor: Predictor, documents: Sequence[Document]) -> list[list[str]]:
    """What is warned of after the last sentence of each."""
    found: list[list[str]] = [[]] * len(documents)
    for i, advance in advances(predictor, documents, "warnings"):
        found[i] = warnings(advance)
    return found


def share(found: Sequence[list[str]], warning: str) -> float:
    """The share of texts with this warning."""
    return sum(warning in warnings for warnings in found) / len(found)
