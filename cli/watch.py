"""`undertone watch`: a running probability while lines come in.

standard input, file, file that grows --lines--> Talk.say, each a sentence at least --> a bar each, or JSON
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Final

from rich.console import Console

from cli import show
from cli.exits import INTERRUPTED, NEGATIVE, NO_INPUT, NO_OUTPUT, OK, USAGE, Stopped
from cli.scorer import Scorer
from client import Prediction, Sentence

LINE: Final = 2**20
"""Bytes; a longer line is scored in pieces."""
PAUSE: Final = 0.2
"""Seconds between two looks at a file that is followed."""
COLUMNS: Final = 100
"""Of the picture."""


def watch(options: argparse.Namespace, scorer: Scorer) -> int:
    """Scores lines until there are no more, or until Ctrl-C."""
    if options.follow and options.file == "-":
        raise Stopped(USAGE, "--follow needs a FILE; standard input is read as it comes anyway")
    picture = Console(file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="truecolor")
    views = _views(options, picture)
    last: Prediction | None = None
    interrupted = False
    with closing(scorer.talk()) as talk:
        try:
            for line in _lines(options.file, follow=options.follow):
                if line.strip():
                    last = talk.say(line)
                    for said in last.sentences:
                        for view in views:
                            view(said, line[said.offset : said.offset + said.length])
        except KeyboardInterrupt:
            interrupted = True
    if options.svg is not None:
        _save(picture, options.svg)
    if last is not None and not (options.quiet or options.json):
        show.terminal(error=True).print(_ending(last), soft_wrap=True)
    if interrupted:
        return INTERRUPTED
    return OK if not options.quiet or (last is not None and scorer.positive(last)) else NEGATIVE


def _views(options: argparse.Namespace, picture: Console) -> list[Callable[[Sentence, str], None]]:
    """What is done with every sentence and its text."""
    out = show.terminal()

    def as_json(said: Sentence, text: str) -> None:
        about = {"index": said.index, "probability": said.probability, "delta": said.delta, "text": text}
        show.line_of_json(about)

    views: list[Callable[[Sentence, str], None]] = []
    if options.json:
        views.append(as_json)
    elif not options.quiet:
        views.append(lambda said, text: show.show(out, show.bar(out, said.probability, text)))
    if options.svg is not None:
        views.append(lambda said, text: show.show(picture, show.bar(picture, said.probability, text)))
    return views


def _ending(last: Prediction) -> str:
    count = last.sentences[-1].id
    since = "" if last.decided_at is None else f", decided at {last.decided_at + 1:,}"
    return f"{last.label} {last.probabilities[last.label]:.1%} after {count:,} sentence{'s' * (count != 1)}{since}"


def _lines(name: str, *, follow: bool) -> Iterator[str]:
    """Lines as they come; bytes that are not UTF-8 are shown as �."""
    try:
        if name == "-":
            yield from _decoded(sys.stdin.buffer)
        elif follow:
            yield from _followed(Path(name))
        else:
            with Path(name).open("rb") as file:
                yield from _decoded(file)
    except OSError as error:
        raise Stopped(NO_INPUT, f"{name}: {error.strerror or error}") from None


def _decoded(file: IO[bytes]) -> Iterator[str]:
    while line := file.readline(LINE):
        yield line.decode("utf-8", "replace")


def _followed(path: Path) -> Iterator[str]:
    """As `tail -F` from the first line on: waits for more, and begins again where the file was replaced or cut."""
    while True:
        with path.open("rb") as file:
            begun = b""
            while True:
                begun += file.readline(LINE)
                if begun.endswith(b"\n") or len(begun) >= LINE:
                    yield begun.decode("utf-8", "replace")
                    begun = b""
                elif _replaced(path, file):
                    break
                else:
                    time.sleep(PAUSE)
        if begun:
            yield begun.decode("utf-8", "replace")


def _replaced(path: Path, file: IO[bytes]) -> bool:
    held = os.fstat(file.fileno())
    try:
        named = path.stat()
    except FileNotFoundError:
        return False  # moved away, and the new one is not there yet
    return named.st_ino != held.st_ino or held.st_size < file.tell()


def _save(picture: Console, path: Path) -> None:
    # Without its fonts from elsewhere: a picture should ask nobody.
    drawn = picture.export_svg(title="undertone watch", unique_id="watch")
    try:
        path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.S), encoding="utf-8")
    except OSError as error:
        raise Stopped(NO_OUTPUT, f"{path}: {error.strerror or error}") from None
