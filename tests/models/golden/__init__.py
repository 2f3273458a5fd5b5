"""Hand-written texts, and the sentences and words that the text pipe makes of them.

    *.json {"pipe": PIPE, "texts": [{"text", "sentences": [{"offset", "length", "words"}]}]}

A model is trained on what the pipe gives, so the pipe may not change under one. To change it: raise `PIPE` in
models/artefact.py, run `python -m tests.models.golden`, read the difference. To add a text: write it into a
file with no "sentences", run the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.artefact import PIPE
from models.sentences import split
from models.vocabulary import normalise, words

FILES = sorted(Path(__file__).parent.glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8"))


def texts() -> list[str]:
    """Every golden text."""
    return [entry["text"] for path in FILES for entry in read(path)["texts"]]


def sentences(text: str) -> list[dict[str, Any]]:
    """What the pipe makes of a text today."""
    return [{"offset": s.offset, "length": s.length, "words": words(s.text)} for s in split(text)]


def rewritten(golden: dict[str, Any]) -> dict[str, Any]:
    """The same texts with today's sentences; raises ValueError where they change and PIPE has not been raised."""
    fresh = [{"text": entry["text"], "sentences": sentences(entry["text"])} for entry in golden["texts"]]
    for old, new in zip(golden["texts"], fresh, strict=True):
        if golden["pipe"] == PIPE and old.get("sentences", new["sentences"]) != new["sentences"]:
            raise ValueError(f"the sentences of {old['text']!r} change: raise PIPE in models/artefact.py first")
    return {"pipe": PIPE, "texts": fresh}


def dumps(golden: dict[str, Any]) -> str:
    r"""JSON with a line per sentence, in which whatever is invisible, or a mark on a letter, is escaped.

    >>> dumps({"pipe": 1, "texts": [{"text": "Ｆ\u200bree 你", "sentences": [{"words": ["free"]}]}]}).splitlines()[4]
    '   "text": "Ｆ\\u200bree 你",'
    """
    lines = ["{", f' "pipe": {golden["pipe"]},', ' "texts": [']
    for i, entry in enumerate(golden["texts"]):
        found = [f"    {_line(sentence)}" for sentence in entry["sentences"]]
        lines += ["  {", f'   "text": {_line(entry["text"])},', '   "sentences": [', ",\n".join(found), "   ]"]
        lines.append("  }" if i == len(golden["texts"]) - 1 else "  },")
    return "\n".join([*lines, " ]", "}", ""])


def _line(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() and normalise(c) else json.dumps(c)[1:-1] for c in text)
