"""`python -m training`: the command line, or which package it lacks: serving wants fewer.

arguments --> commands.main --> exit status     without a package: its name, and `make dev`
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives back the exit status: 0, or 1 with the reason on standard error."""
    try:
        from training import commands

        return commands.main(arguments)
    except ModuleNotFoundError as error:
        package, *_ = str(error.name).split(".")
        print(
            f"python -m training: the package {package} is not installed here: "
            "run `make dev`, then this again in its environment (`. .venv/bin/activate`)",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
