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
from typing import Any, Final

import httpx
import psutil
import pytest
from PIL import Image

from tests.e2e.server import ROOT
from tests.ops.__main__ import USUAL_PORT
from tests.ops.files import alerts
from tests.ops.picture import SHOWN, shown

PATIENCE: Final = 120.0
pytestmark = pytest.mark.tools


def asked(prometheus: str, path: str, **parameters: str) -> Any:
    return httpx.get(f"{prometheus}/api/v1/{path}", params=parameters, timeout=30).json()["data"]


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
            assert any(url.endswith("/#operations") for url in urls)
            for url in urls:
                assert httpx.get(url, follow_redirects=True, timeout=30).status_code == httpx.codes.OK, url
            (prometheus,) = re.findall(r"Prometheus +(http://[^/]+)", said())
            watched = asked(prometheus, "rules", type="alert")["groups"]
            assert {rule["name"] for group in watched for rule in group["rules"]} == {a["alert"] for a in alerts()}
            predicted = 'undertone_requests_total{route="/v1/predict", status="200"} > 0'
            while not asked(prometheus, "query", query=predicted)["result"]:
                assert time.monotonic() < until, "Prometheus has seen no traffic"
                time.sleep(0.5)
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(PATIENCE)
    assert said().endswith("All is stopped.\n"), said()
    with Image.open(picture) as drawn:
        assert drawn.info[SHOWN] == shown()
    assert psutil.wait_procs(family, timeout=30)[1] == []
