"""`undertone score`: many documents into a table, going on where an earlier run stopped.

mailbox, table --Collection.read--> windows --Scorer.predict--> Journal --finish--> table   (a bar: rate, time left)
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cli import documents, show
from cli.documents import Collection, Document
from cli.exits import DATA, NO_INPUT, OK, Stopped
from cli.outputs import Journal, Row
from cli.scorer import Scorer
from client import Prediction, Refused

WINDOW: Final = 256
"""Documents that are read before they are scored together, and then written."""


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def score(options: argparse.Namespace, scorer: Scorer) -> int:
    """Writes the table; DATA where some documents have an error in it."""
    err = show.terminal(error=True)
    collection = documents.collection(options.source, options.column)
    begun_with = {
        "source": str(options.source.resolve()),
        "column": options.column,
        "model": scorer.identity(),
        "threshold": options.threshold,
    }
    journal = Journal(options.output, begun_with)
    began = time.monotonic()
    try:
        _check(journal, collection)
        done = journal.done
        with _progress(err, quiet=options.quiet) as progress:
            bar = progress.add_task(collection.kind, total=collection.count, completed=done)
            for rows in _scored(collection, done, scorer):
                journal.add(rows)
                progress.advance(bar, len(rows))
        journal.finish()
    except KeyboardInterrupt:
        if not options.quiet:
            said = f"undertone: {journal.path} has what is done; the same command goes on from there"
            err.print(said, soft_wrap=True)
        raise
    finally:
        journal.close()
    if options.json:
        show.line_of_json({"documents": collection.count, "resumed": done, "errors": journal.failed})
    elif journal.failed or not options.quiet:
        seconds = time.monotonic() - began
        again = f" ({done:,} by an earlier run)" if done else ""
        wrong = f", {journal.failed:,} of them with an error" if journal.failed else ""
        rate = f"{seconds:.1f} s, {(collection.count - done) / max(seconds, 1e-9):,.0f}/s"
        err.print(f"{options.output}: {collection.count:,} documents{again}{wrong}; {rate}", soft_wrap=True)
    return DATA if journal.failed else OK


def _check(journal: Journal, collection: Collection) -> None:
    """Raises Stopped where what is done is no longer what the source begins with."""
    if journal.done:
        found = next(collection.read(journal.done - 1), None)
        if found is None or found.id != journal.last:
            raise Stopped(
                NO_INPUT,
                f"document {journal.done:,} was {journal.last!r} when it was scored, and is {found and found.id!r} "
                f"now: the source has changed; delete {journal.path} to start anew",
            )


def _scored(collection: Collection, done: int, scorer: Scorer) -> Iterator[list[Row]]:
    coming = collection.read(done)
    while window := list(islice(coming, WINDOW)):
        answers = iter(scorer.predict([d.text for d in window if isinstance(d.text, str)]))
        yield [
            _row(number, document, document.text if isinstance(document.text, Refused) else next(answers))
            for number, document in enumerate(window, start=done + 1)
        ]
        done += len(window)


def _row(number: int, document: Document, answer: Prediction | Refused) -> Row:
    if isinstance(answer, Refused):
        return Row(number, document.id, error=str(answer))
    return Row(
        number,
        document.id,
        answer.label,
        answer.probability,
        len(answer.sentences),
        answer.decided_at,
        " ".join(answer.warnings),
    )


def _progress(err: Console, *, quiet: bool) -> Progress:
    """A bar that vanishes when it is full; nothing where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal)
