"""`undertone predict`: whole texts.

files, standard input --documents--> a window of them --Scorer.predict--> bars, JSON, or only a status
"""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Final

from rich.console import Console

from cli import documents, show
from cli.documents import Document
from cli.exits import DATA, NEGATIVE, OK, Stopped
from cli.scorer import Scorer
from client import Prediction, Refused

WINDOW: Final = 64
"""Texts that are read before they are scored together."""


def predict(options: argparse.Namespace, scorer: Scorer) -> int:
    """Scores the files one by one; the status is what cli/exits.py says."""
    if options.files.count("-") > 1:
        raise Stopped(DATA, "standard input (-) can be read once")
    out, err = show.terminal(), show.terminal(error=True)
    coming = documents.texts(options.files, is_mail=options.mail)
    positive = failed = False
    while window := list(islice(coming, WINDOW)):
        scored = iter(scorer.predict([d.text for d in window if isinstance(d.text, str)]))
        for document in window:
            answer = document.text if isinstance(document.text, Refused) else next(scored)
            if isinstance(answer, Refused):
                failed = True
            else:
                positive = positive or scorer.positive(answer)
            if options.json:
                show.line_of_json({"file": document.id, **show.as_json(answer)})
            elif isinstance(answer, Refused):
                err.print(f"undertone: {show.clean(document.id)}: {answer.message}", soft_wrap=True)
            elif not options.quiet:
                _bars(out, document, answer)
    if failed:
        return DATA
    return OK if positive or not options.quiet else NEGATIVE


def _bars(out: Console, document: Document, answer: Prediction) -> None:
    show.show(out, show.head("" if document.id == "-" else document.id, answer))
    text = str(document.text)
    for said in answer.sentences:
        show.show(out, show.bar(out, said.probability, text[said.offset : said.offset + said.length]))
