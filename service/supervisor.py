"""What BentoML's supervisor is taught, which holds the listening socket for all workers.

SIGTERM --> supervisor --SIGTERM--> workers: running requests end, at most `grace` s
                `-- the listening socket is shut down: new connections are refused

By itself it keeps the socket open to the end, so that new connections hang in its backlog with nobody to
take them, kills workers after 30 s whatever grace they were given, and takes up to 10 s to miss a dead one. A signal
that comes while it starts workers or looks after them it refuses, and forgets.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from bentoml._internal.utils import circus

CHECK_MS: Final = 500
"""Time between two looks at whether a worker has died."""
STOPPING: Final = "arbiter_stop"
"""What circus calls it while it stops: a second signal changes nothing."""
BUSY_SECONDS: Final = 0.05
"""Time between two tries to stop while it does something else."""
MARGIN: Final = 10.0
"""Seconds that a worker has for its own end after `grace`."""


def teach(grace: float) -> None:
    """For the supervisor's process, before it starts workers."""

    class Arbiter(circus.Arbiter):
        def start(self, cb: Any = None) -> None:
            self.ctrl.check_delay = CHECK_MS
            super().start(cb)

        def stop(self) -> Any:
            if self._exclusive_running_command not in (None, STOPPING):
                self.loop.call_later(BUSY_SECONDS, self.stop)
                return None
            for watcher in self.iter_watchers():
                watcher.graceful_timeout = grace + MARGIN
            stopping = super().stop()
            for listening in self.sockets.values():
                # Not close(): the workers have copies of it, which would keep it open.
                listening.shutdown(socket.SHUT_RDWR)
            return stopping

    circus.Arbiter = Arbiter  # type: ignore[misc]
