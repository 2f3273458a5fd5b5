"""The command line: `undertone`, or `python -m cli`.

arguments --parser--> command --scorer--> what it shows, and a status (cli/exits.py)
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing

from cli.exits import INTERRUPTED, PIPE, Stopped, status_of
from cli.parser import parser
from client import ClientError
from models.errors import UndertoneError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives back its status; what went wrong is on standard error."""
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except Stopped as stopped:
        status, message = stopped.status, str(stopped)
    except (ClientError, UndertoneError) as error:
        status, message = status_of(error), str(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would try once more to write what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE
    print(f"undertone: {message}", file=sys.stderr)  # noqa: T201 - a command line prints
    return status


def _run(options: argparse.Namespace) -> int:
    if options.command == "doctor":
        from cli.doctor import doctor

        return doctor(options)
    from cli.scorer import open_scorer

    with closing(open_scorer(options)) as scorer:
        if options.command == "predict":
            from cli.predict import predict

            return predict(options, scorer)
        if options.command == "watch":
            from cli.watch import watch

            return watch(options, scorer)
        from cli.score import score

        return score(options, scorer)


if __name__ == "__main__":
    sys.exit(main())
