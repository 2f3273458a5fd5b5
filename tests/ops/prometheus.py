"""Prometheus itself, as Debian ships it, with the rules of ops/ and on a port of loopback.

ops/prometheus/ --targets here, a short interval--> folder --start--> url, value, values, series --stop--> nothing left
                                                       hold(condition) --> values as they were then, for good
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx
import yaml

from tests.e2e.server import ROOT, free_port

OPS: Final = ROOT / "ops"
READY_SECONDS: Final = 60.0
PATIENCE: Final = 120.0
SETTLED: Final = 5.0
"""Seconds after which whatever was scraped or evaluated is written, or has failed: a scrape may take one."""

Labels = frozenset[tuple[str, str]]


class Prometheus:
    """Scrapes `targets` (an address by the job's name) every `interval` seconds, and evaluates all rules as often."""

    def __init__(self, folder: Path, targets: Mapping[str, str], interval: int = 1, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.interval = interval
        self.moment: float | None = None
        """What questions are about; None: now."""
        self.log = folder / "prometheus.log"
        config = _configured(folder, {"prometheus": f"127.0.0.1:{self.port}", **targets}, interval, f"{self.url}/user")
        self._client = httpx.Client(base_url=self.url, timeout=30)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--web.user-assets={ROOT / 'docs' / 'runbooks'}",
                    "--log.level=warn",
                ],
                cwd=folder,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for whoever has started it
            )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self._client.get("/-/ready").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"Prometheus did not get ready, its log says:\n{self.log.read_text()}")

    def page(self, name: str) -> str:
        """The address of a page for people; Debian ships the old ones alone, at a place of their own."""
        classic = f"/classic/{name}"
        return f"{self.url}{classic if self._client.get(classic).status_code == httpx.codes.OK else f'/{name}'}"

    def ask(self, path: str, **parameters: str | float) -> Any:
        """The data of an answer of its API."""
        answer = self._client.get(f"/api/v1/{path}", params=parameters)
        said = answer.json()
        if said["status"] != "success":
            raise RuntimeError(f"{parameters}: {said['error']}")
        return said["data"]

    def values(self, expression: str, at: float | None = None) -> dict[Labels, float]:
        """What the expression is now, or at the moment that is held, by its labels; a scalar has none."""
        data = self.ask("query", query=expression, time=at or self.moment or time.time())
        if data["resultType"] == "scalar":
            return {frozenset(): float(data["result"][1])}
        return {frozenset(found["metric"].items()): float(found["value"][1]) for found in data["result"]}

    def value(self, expression: str) -> float:
        """The one value of the expression."""
        (found,) = self.values(expression).values()
        return found

    def until(self, condition: str, ago: float = 0) -> float:
        """Waits until the condition holds, that is, has a value, or did so many seconds ago; gives back when."""
        until = time.monotonic() + PATIENCE
        while not self.values(condition, moment := time.time() - ago):
            if time.monotonic() > until:
                raise TimeoutError(f"{condition} did not hold within {PATIENCE:g} s")
            time.sleep(self.interval / 5)
        return moment

    def hold(self, condition: str) -> None:
        """Waits for a moment at which the condition held; from then on, values are those of that moment.

        Of now they are none as soon as a scrape takes too long, as it may on a busy machine, and windows move on.
        """
        self.moment = self.until(condition, SETTLED)

    def series(self, expression: str, start: float, end: float, step: float) -> list[tuple[dict[str, str], Any]]:
        """What the expression was from `start` to `end`: labels, and [[time, value], …]."""
        data = self.ask("query_range", query=expression, start=start, end=end, step=step)
        return [
            (found["metric"], [[time, float(value)] for time, value in found["values"]]) for found in data["result"]
        ]

    def stop(self) -> None:
        self._client.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()

    def __enter__(self) -> Prometheus:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _configured(folder: Path, targets: Mapping[str, str], interval: int, runbooks: str) -> Path:
    """The configuration of ops/, with all rules: other targets, nobody to tell alerts to, and one interval for all."""
    shutil.copytree(OPS / "prometheus" / "rules", folder / "rules")
    for path in (folder / "rules").iterdir():
        rules = yaml.safe_load(path.read_text("utf-8"))
        for group in rules["groups"]:
            group.pop("interval", None)
        path.write_text(yaml.safe_dump(rules), "utf-8")
    config = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text("utf-8"))
    config["global"] |= dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), f"{interval}s")
    config["global"]["external_labels"]["runbooks"] = runbooks
    del config["alerting"]
    for job in config["scrape_configs"]:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path
