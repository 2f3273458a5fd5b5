"""How a command ends: statuses that cron, procmail and mail servers understand (sysexits.h), and what leads to them.

Refused, UndertoneError, OSError --status_of--> 64 … 78
"""

from __future__ import annotations

from typing import Final

from client import ClientError, Refused
from models.errors import ArtefactError, UndertoneError

OK: Final = 0
NEGATIVE: Final = 1
USAGE: Final = 64
DATA: Final = 65
NO_INPUT: Final = 66
NO_OUTPUT: Final = 73
LATER: Final = 75
FORBIDDEN: Final = 77
CONFIG: Final = 78
INTERRUPTED: Final = 130
PIPE: Final = 141

TABLE: Final = f"""\
  {OK}    done; of predict and watch with --quiet: a text has the positive label (spam, positive)
  {NEGATIVE}    of predict and watch with --quiet: no text has it
  {USAGE}   the command line asks for what cannot be
  {DATA}   some text could not be read or scored; all others were
  {NO_INPUT}   what watch or score reads is not there, or may not be read
  {NO_OUTPUT}   the output cannot be written
  {LATER}   the service cannot be reached or is busy: try again later
  {FORBIDDEN}   the service wants an API key, or another one
  {CONFIG}   a model is missing or damaged, or the doctor found something
  {INTERRUPTED}  interrupted by Ctrl-C
  {PIPE}  nobody reads the output any more"""


class Stopped(Exception):
    """Ends the program with a status; the message is for standard error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def status_of(error: Exception) -> int:
    """The status for what a scorer raised."""
    if isinstance(error, Refused):
        if error.status in (401, 403):
            return FORBIDDEN
        return LATER if error.passing else USAGE
    if isinstance(error, ClientError):
        return LATER
    if isinstance(error, ArtefactError):
        return CONFIG
    return USAGE if isinstance(error, UndertoneError) and error.status < 500 else DATA
