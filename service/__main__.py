"""Starts the service: `python -m service`.

arguments, environment --> a free address, a BENTOML_HOME of its own --exec--> bentoml serve service.app:Undertone
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from service import catalogue
from service.address import AddressError, listenable
from service.home import HomeError, held
from service.settings import Settings, SettingsError

ROOT: Final = Path(__file__).parent.parent
KEEP_ALIVE: Final = 75
"""Seconds that an idle connection stays: longer than the 60 of the usual proxies, who are to be the first to close."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m service", description=__doc__.partition("\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=3000, help="the port to listen on (%(default)s)")
    parser.add_argument(
        "--check", action="store_true", help="only read the settings, say what is wrong with them, and end"
    )
    arguments = parser.parse_args()
    try:
        settings = Settings.read(os.environ)
        catalogue.folders(settings.models)
        catalogue.look_for(settings.device, settings.workers)
        if arguments.check:
            return
        host = listenable(arguments.host, arguments.port)
    except (SettingsError, AddressError) as error:
        sys.exit(f"undertone: {error}")
    environment = {"BENTOML_DO_NOT_TRACK": "True", "OMP_NUM_THREADS": "1", **os.environ}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    environment.setdefault("BENTOML_HOME", str(cache / "undertone" / f"{host}-{arguments.port}"))
    environment["UNDERTONE_WORKERS"] = str(settings.workers)
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Undertone"]
    command += ["--host", host, "--port", str(arguments.port)]
    command += ["--timeout-keep-alive", str(KEEP_ALIVE)]
    os.chdir(ROOT)
    try:
        # Until BentoML binds, which takes seconds, the address is free for whoever else starts.
        with held(Path(environment["BENTOML_HOME"])):
            os.execve(command[0], command, environment)  # noqa: S606 - signals are then BentoML's to handle
    except HomeError as error:
        sys.exit(f"undertone: {error}")


if __name__ == "__main__":
    main()
