"""The README's commands and answers: read by the test, and written anew by `python -m tests.e2e.readme`.

    README.md --blocks--> (command, answer) --run against a live service--> answer --shape--> compared

A ```bash or ```python block that is followed by an answer is run; one that is marked ```bash slow is only read, and of
these the table of accuracies is written anew, too, from the reports of what is shipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.e2e.server import ROOT, Service
from training.evaluate import told

README: Final = ROOT / "README.md"
ACCURACIES: Final = "python -m training evaluate --data-dir DIR\n"
_BLOCK: Final = re.compile(
    r"```(?P<language>bash|python)(?P<slow> slow)?\n(?P<command>.*?)```\n"
    r"(?:\n?```(?P<kind>json|text)\n(?P<answer>.*?)```)?",
    re.S,
)
_BAR: Final = re.compile("[█▏▎▍▌▋▊▉]+")
_MEASURED: Final = re.compile(
    r"(?P<digest>[0-9a-f]{64})|(?P<date>\d{4}-\d\d-\d\dT[\d:]+Z)|(?P<number>-?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+))"
)
"""What an answer owes to weights, clocks and the machine; whole numbers it owes to the question."""


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
    programs = activated()
    program = [str(programs / "python")] if language == "python" else ["bash", "-euo", "pipefail"]
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*program, "-c", here], check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{here}\nended with {done.returncode}: {done.stderr or done.stdout}")
    return done.stdout


def activated() -> Path:
    """The folder of programs that the README says to activate, and so where `undertone` is found."""
    said = [found[1] for block in blocks() for found in re.finditer(r"(?m)^\. (\S+)/activate$", block.command)]
    if len(said) != 1:
        raise RuntimeError(f"README.md says {len(said)} times which environment to activate, wanted once, before all")
    return ROOT / said[0]


def shape(answer: str, kind: str) -> Any:
    """What has to be the same in two answers: all but what is measured, of which it is said what it is."""
    if kind == "json":
        return _shape(json.loads(answer.replace(", …", "")))
    lines = [" ".join(_BAR.sub("", line).replace(", …", "").split()) for line in answer.splitlines()]
    return [
        (line.partition("{")[0], _shape(json.loads("{" + line.partition("{")[2]))) if '{"' in line else _shape(line)
        for line in lines
    ]


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    if isinstance(value, list):
        # A state, which is shown cut short; of anything else it counts how many there are.
        return "numbers" if value and all(isinstance(part, float) for part in value) else [_shape(v) for v in value]
    if isinstance(value, str):
        return _MEASURED.sub(lambda match: f"<{match.lastgroup}>", value)
    return "number" if isinstance(value, float) else value


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


def accuracies() -> str:
    """The table that `python -m training evaluate` prints, from the reports."""
    return "".join(f"{line}\n" for line in told([]))


def rewrite(service: Service) -> None:
    """Puts the answers of `service` into the README."""

    def answered(match: re.Match[str]) -> str:
        if match["command"] == ACCURACIES:
            answer = accuracies()
        elif match["slow"] or match["kind"] is None:
            return match[0]
        else:
            answer = shown(run(match["language"], match["command"], service), match["kind"])
        return match[0].replace(f"```{match['kind']}\n{match['answer']}```", f"```{match['kind']}\n{answer}```")

    README.write_text(_BLOCK.sub(answered, README.read_text()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        rewrite(service)
