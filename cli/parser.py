"""What may be asked of `undertone`, and the help that says so.

arguments --parser--> options        a mistake --> status 64
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final, NoReturn

from cli.exits import TABLE, USAGE

DESCRIPTION: Final = """\
Scores text for spam or sentiment, one calibrated probability after every sentence.

The models are loaded into this process, or asked of a running service with --url."""
EPILOG: Final = f"""\
exit status:
{TABLE}

environment:
  UNDERTONE_KEY     the API key that --url sends
  UNDERTONE_MODELS  names or folders of models, by commas; the first of a task is its default
  NO_COLOR          no colours, whatever the terminal can do

`undertone COMMAND --help` has the rest, with examples."""

PREDICT: Final = """\
Scores whole texts, and shows the running probability after every sentence.

A FILE is text in UTF-8, or a message (RFC 5322) where its name ends in .eml or --mail is given: then
its subject and the best of its text parts are scored. Without FILE, or where it is -, standard input."""
PREDICT_EXAMPLES: Final = """\
examples:
  undertone predict --task spam letter.txt
  undertone predict --task sentiment --json reviews/*.txt | jq .probability
  undertone predict --task spam --threshold fpr:0.001 message.eml

  in a .procmailrc: what is spam by the threshold that 1 in 1,000 wanted messages of the validation data
  passes goes to a folder of its own, and where something breaks the mail is delivered as if nothing had
  been asked; of mail unlike that data more of them do

    :0
    * ? undertone predict --quiet --mail --task spam --threshold fpr:0.001
    spam/"""

WATCH: Final = """\
Shows a bar for every line that comes in: how probable it is by now. The lines are one conversation: each
moves the probability from where the line before has left it.

A line ends a sentence; one that holds several gets a bar for each. Ctrl-C ends it."""
WATCH_EXAMPLES: Final = """\
examples:
  undertone watch --task spam                        type, and see
  undertone watch --task spam letter.txt
  tail -f chat.log | undertone watch --task sentiment
  undertone watch --task spam --follow chat.log      goes on when the file is rotated
  undertone watch --task spam --svg watch.svg letter.txt"""

SCORE: Final = """\
Scores every document of SOURCE into a table, in batches: a mailbox (mbox or maildir), or the rows of
a .csv (its first line names the columns), .jsonl (an object a line) or .parquet file.

The table (.csv, .jsonl or .parquet, as OUTPUT ends) has a row for each document, in order:
  number       from 1
  id           the row's own, or the Message-ID, or the name in the maildir; else the number
  label        what it is
  probability  of the positive label, after the last sentence
  sentences    how many
  decided_at   the index of the sentence after which the label no longer changed
  warnings     mostly_unknown_words, no_words, not_english, very_short
  error        why it could not be scored

Until all is done the rows are in OUTPUT.part. After Ctrl-C, a kill or a crash the same command goes on
where it stopped; OUTPUT is there when it is whole. An older OUTPUT is replaced."""
SCORE_EXAMPLES: Final = """\
examples:
  undertone score --task spam ~/Mail/inbox.mbox -o scores.csv
  undertone score --task sentiment reviews.parquet --column review -o scores.parquet
  undertone score --task spam --url http://localhost:3000 tickets.jsonl -o scores.jsonl

  in a crontab: every night, silent unless something is wrong

    0 3 * * *  undertone score --quiet --task spam /var/mail/anna -o /srv/scores.csv"""

DOCTOR: Final = """\
Looks at the installation, and says of everything that is wrong how to mend it: Python and packages, models
and their digests, the device, the settings of the service, Redis and the state key; with --url a running
service, too."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    top = _Parser("undertone", description=DESCRIPTION, epilog=EPILOG, formatter_class=form)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    predict = _command(commands, "predict", "whole texts, files and messages", PREDICT, PREDICT_EXAMPLES)
    predict.add_argument("files", nargs="*", default=["-"], metavar="FILE", help="what to score (default: -)")
    predict.add_argument("--mail", action="store_true", help="everything is a message, whatever it is called")
    watch = _command(commands, "watch", "lines as they come, a bar each", WATCH, WATCH_EXAMPLES)
    watch.add_argument("file", nargs="?", default="-", metavar="FILE", help="where the lines are (default: -)")
    watch.add_argument("-f", "--follow", action="store_true", help="wait for what FILE will grow by, as tail -F does")
    watch.add_argument("--svg", type=Path, metavar="PICTURE", help="draw what was shown into this file, too")
    score = _command(commands, "score", "a mailbox or a table, in bulk", SCORE, SCORE_EXAMPLES)
    score.add_argument("source", type=Path, metavar="SOURCE", help="mbox, maildir, .csv, .jsonl or .parquet")
    score.add_argument("-o", "--output", type=Path, required=True, help="the table: .csv, .jsonl or .parquet")
    score.add_argument("--column", default="text", metavar="NAME", help="where a row has its text (default: text)")
    doctor = _add(commands, "doctor", "is everything there, and right?", DOCTOR, "")
    doctor.add_argument("--url", metavar="URL", help="ask this service, too")
    _form(doctor)
    return top


def _add(
    commands: argparse._SubParsersAction[_Parser], name: str, text: str, description: str, examples: str
) -> argparse.ArgumentParser:
    epilog = f"{examples}\n\nexit status:\n{TABLE}".strip()
    form = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=text, description=description, epilog=epilog, formatter_class=form)


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, text: str, description: str, examples: str
) -> argparse.ArgumentParser:
    command = _add(commands, name, text, description, examples)
    command.add_argument("--task", help="what is asked: spam or sentiment")
    command.add_argument(
        "--model", help="its name, or the folder of one; with --url also a digest (default: the task's first)"
    )
    command.add_argument(
        "--threshold",
        type=_threshold,
        metavar="P",
        help="the probability from which on the positive label is given (default: 0.5); or fpr:RATE, "
        "the model's own for that false-positive rate, such as fpr:0.001",
    )
    command.add_argument("--url", metavar="URL", help="ask a running service, such as http://localhost:3000")
    _form(command)
    return command


def _form(command: argparse.ArgumentParser) -> None:
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON, an object a line")
    form.add_argument("-q", "--quiet", action="store_true", help="nothing but errors; the status says the rest")


def _threshold(given: str) -> float | str:
    if given.startswith("fpr:"):
        return given
    try:
        value = float(given)
    except ValueError:
        value = 0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is no number above 0 and below 1, and no fpr:RATE")
    return value
