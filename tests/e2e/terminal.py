"""A real pseudo-terminal with somebody in front of it.

command <--keys-- Terminal --bytes--> pyte: what stands on the screen, and in which colours
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

import pyte

from tests.e2e.server import ROOT

PATIENCE = 120.0


def _in_front() -> None:
    """The terminal is the command's own, and so is Ctrl-C, which whoever runs the tests in the background ignores."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """Runs a command in a terminal of `columns` by 24."""

    def __init__(self, command: Sequence[str], columns: int = 80, environment: Mapping[str, str] | None = None) -> None:
        self.screen = pyte.Screen(columns, 24)
        self._stream = pyte.ByteStream(self.screen)
        self._near, far = pty.openpty()
        self.resize(columns)
        kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command,
            stdin=far,
            stdout=far,
            stderr=far,
            cwd=ROOT,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
            start_new_session=True,
            preexec_fn=_in_front,  # noqa: PLW1509 - its Ctrl-C
        )
        os.close(far)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._near)

    def resize(self, columns: int) -> None:
        """As a window does that is dragged."""
        fcntl.ioctl(self._near, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.screen.resize(24, columns)

    def type(self, keys: str) -> None:
        os.write(self._near, keys.encode())

    def interrupt(self) -> None:
        self.type("\x03")

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display]

    def until(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """Reads until the screen shows it."""
        until = time.monotonic() + PATIENCE
        while not seen(self.lines):
            assert time.monotonic() < until, "\n".join(self.lines)
            if select.select([self._near], [], [], 0.1)[0]:
                try:
                    self._stream.feed(os.read(self._near, 65536))
                except OSError:  # Linux says so where nobody is left at the other end
                    assert seen(self.lines), "\n".join(self.lines)
        return self.lines

    def end(self) -> int:
        """The status, once the command has ended and all is read."""
        until = time.monotonic() + PATIENCE
        while self.process.poll() is None or select.select([self._near], [], [], 0)[0]:
            assert time.monotonic() < until, "\n".join(self.lines)
            if select.select([self._near], [], [], 0.1)[0]:
                try:
                    self._stream.feed(os.read(self._near, 65536))
                except OSError:
                    break
        return self.process.wait(PATIENCE)

    def colours(self, line: int) -> set[str]:
        return {self.screen.buffer[line][column].fg for column in range(self.screen.columns)}
