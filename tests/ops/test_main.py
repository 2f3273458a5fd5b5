"""`make ops`: it says where to look, and Ctrl-C leaves a picture and nothing else."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import psutil
import pytest

from tests.e2e.server import ROOT
from tests.ops.__main__ import USUAL_PORT

PATIENCE: Final = 120.0
pytestmark = pytest.mark.tools


def test_ctrl_c_leaves_a_picture_and_nothing_else(tmp_path: Path) -> None:
    picture = tmp_path / "overview.png"
    # What make would run, without what it would install before.
    wanted = ("make", "--dry-run", "--no-print-directory", "ops", f"DRAW={picture}")
    command = subprocess.run(wanted, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    with ExitStack() as ending, (tmp_path / "log").open("wb") as log:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", USUAL_PORT)):  # nobody else has it
                ending.enter_context(socket.create_server(("127.0.0.1", USUAL_PORT)))
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        process = subprocess.Popen(
            ["bash", "-c", command], cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        said = (tmp_path / "log").read_text
        try:
            until = time.monotonic() + PATIENCE
            while "until Ctrl-C" not in said() and time.monotonic() < until and process.poll() is None:
                time.sleep(0.1)
            assert "until Ctrl-C" in said(), said()
            family = psutil.Process(process.pid).children(recursive=True)
            assert {"redis-server", "prometheus"} <= {child.name() for child in family}
            urls = re.findall(r"http://127\.0\.0\.1:\d+/\S+(?<!,)", said())
            assert len(urls) > 10
            for url in urls:
                assert httpx.get(url, follow_redirects=True, timeout=10).status_code == httpx.codes.OK, url
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE)
    assert said().endswith("All is stopped.\n"), said()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert psutil.wait_procs(family, timeout=5)[1] == []
