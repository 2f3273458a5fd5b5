"""The README's commands and answers: read by the test, and written anew by `python -m tests.e2e.readme`.

    README.md --blocks--> (command, answer) --run against a live service--> answer --shape--> compared

A ```bash or ```python block that is followed by an answer is run; one that is marked ```bash slow is only read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.e2e.server import ROOT, Service

README: Final = ROOT / "README.md"
_BLOCK: Final = re.compile(
    r"```(?P<language>bash|python)(?P<slow> slow)?\n(?P<command>.*?)```\n"
    r"(?:\n?```(?P<kind>json|text)\n(?P<answer>.*?)```)?",
    re.S,
)
_BAR: Final = re.compile("[█▏▎▍▌▋▊▉]+")


class Block(NamedTuple):
    """A command (bash) or a program (python), whether it is only read, and the answer that is shown for it."""

    language: str
    command: str
    slow: bool
    kind: str | None
    answer: str


def blocks() -> list[Block]:
    found = _BLOCK.finditer(README.read_text())
    return [Block(m["language"], m["command"], bool(m["slow"]), m["kind"], m["answer"] or "") for m in found]


def run(language: str, command: str, service: Service) -> str:
    """What the command prints, asked of `service` instead of port 3000."""
    here = command.replace("localhost:3000", f"127.0.0.1:{service.port}")
    program = [sys.executable] if language == "python" else ["bash", "-euo", "pipefail"]
    # As in an activated virtual environment, where `undertone` is found.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*program, "-c", here], check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{here}\nended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def shape(answer: str, kind: str) -> Any:
    """What has to be the same in two answers: names, types and order, but no number and no digest."""
    if kind == "json":
        return _shape(json.loads(re.sub(r", …", "", answer)))
    lines = [" ".join(_BAR.sub("", line).replace(", …", "").split()) for line in answer.splitlines()]
    shapes = [
        (line.partition("{")[0], _shape(json.loads("{" + line.partition("{")[2]))) if '{"' in line else line
        for line in lines
    ]
    return [re.sub(r"[0-9a-f]{64}|[0-9][0-9.e+-]*", "0", s) if isinstance(s, str) else s for s in shapes]


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    if isinstance(value, list):
        # All of a kind, or the kinds that occur: how many there are is not the shape.
        return sorted({json.dumps(_shape(part), sort_keys=True) for part in value})
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    return "number"


def shown(answer: str, kind: str) -> str:
    """An answer as the README shows it: JSON with a line per thought, long lists of numbers cut short."""
    if kind == "json":
        return _pretty(json.loads(answer)) + "\n"
    return re.sub(r"\[((?:[-0-9.e]+,){2})[-0-9.e,]+\]", lambda m: f"[{m[1].replace(',', ', ')}…]", answer).replace(
        ", …", ", …"
    )


def _pretty(value: Any, indent: str = "") -> str:
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + len(indent) <= 110 or not isinstance(value, dict | list):
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{inner}{json.dumps(name)}: {_pretty(part, inner)}" for name, part in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _pretty(part, inner) for part in value) + f"\n{indent}]"


def rewrite(service: Service) -> None:
    """Puts the answers of `service` into the README."""

    def answered(match: re.Match[str]) -> str:
        if match["slow"] or match["kind"] is None:
            return match[0]
        answer = shown(run(match["language"], match["command"], service), match["kind"])
        return match[0].replace(f"```{match['kind']}\n{match['answer']}```", f"```{match['kind']}\n{answer}```")

    README.write_text(_BLOCK.sub(answered, README.read_text()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        rewrite(service)
