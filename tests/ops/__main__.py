"""`make ops`: the service, Redis and Prometheus with the rules of ops/, under sample traffic, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from tests.ops.files import OVERVIEW, expanded, panels
from tests.ops.picture import WINDOW, draw
from tests.ops.prometheus import Prometheus
from tests.ops.stage import Stage, stage
from tests.ops.traffic import Traffic

USUAL_PORT: Final = 9090
INTERVAL: Final = 2
"""Seconds between scrapes: soon enough for somebody who looks."""
PAUSE: Final = 2.0
"""Seconds between two rounds of traffic, of about 35 requests each."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.ops", description=__doc__)
    parser.add_argument("--seconds", type=float, default=None, help="of traffic (until Ctrl-C)")
    parser.add_argument("--draw", type=Path, metavar="PNG", help="at the end, a picture of the Overview dashboard")
    arguments = parser.parse_args()
    # Noted, not raised: what is just being started is to be stopped, too.
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder), INTERVAL, _free(USUAL_PORT)) as on:
        print(where(on), flush=True)
        began = time.time()
        until = began + (arguments.seconds or float("inf"))
        with contextlib.closing(Traffic(on.service.url)) as traffic:
            while not stopped.is_set() and time.time() < until:
                traffic.round()
                stopped.wait(PAUSE)
        if arguments.draw:
            draw(on.prometheus, began, time.time(), arguments.draw)
    print("All is stopped.")


def where(on: Stage) -> str:
    """Where to look."""
    pages = [on.prometheus.page(name) for name in ("alerts", "rules", "targets")]
    lines = [
        f"Console      {on.service.url}/#operations",
        f"Undertone    {on.service.url}/docs, {on.service.url}/metrics",
        f"Prometheus   {', '.join(pages)}",
        "The panels of the dashboard Overview, there:",
    ]
    for panel in panels(OVERVIEW):
        lines += [f"  {panel.title}", f"    {link(on.prometheus, [query.expression for query in panel.queries])}"]
    return "\n".join([*lines, "Traffic is sent until Ctrl-C, which stops all of it."])


def link(prometheus: Prometheus, expressions: list[str]) -> str:
    """A page of Prometheus that draws them."""
    asked = {
        f"g{number}.{name}": value
        for number, expression in enumerate(expressions)
        for name, value in (("expr", expanded(expression, WINDOW)), ("tab", "0"), ("range_input", "15m"))
    }
    return f"{prometheus.page('graph')}?{urlencode(asked)}"


def _free(port: int) -> int | None:
    """The port, if nobody has it."""
    with socket.socket() as probe:
        return port if probe.connect_ex(("127.0.0.1", port)) else None


if __name__ == "__main__":
    main()
