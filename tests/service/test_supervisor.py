"""What BentoML's supervisor is taught, with real processes under it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import PATIENCE, soon

CHILDREN = 4
SUPERVISOR = f"""
import sys
from bentoml._internal.utils import circus
from circus.watcher import Watcher
from service import supervisor

supervisor.teach(1.0)
asleep = "import sys, time; open(sys.argv[1] + '/' + sys.argv[2], 'w').close(); time.sleep(120)"
watcher = Watcher(
    "worker",
    cmd=sys.executable,
    args=["-c", asleep, sys.argv[1], "$(circus.wid)"],
    numprocesses={CHILDREN},
    warmup_delay=0.5,
)
circus.create_standalone_arbiter([watcher]).start(cb=lambda _: None)
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One that starts its workers half a second apart."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)]) as running:
        yield running
        running.kill()


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_workers_are_started_is_not_lost(
    supervisor: subprocess.Popen[bytes], told: signal.Signals, tmp_path: Path
) -> None:
    soon(lambda: any(tmp_path.iterdir()), "the first worker runs")
    assert len(list(tmp_path.iterdir())) < CHILDREN, "all of them do"
    supervisor.send_signal(told)
    assert supervisor.wait(PATIENCE) == 0
