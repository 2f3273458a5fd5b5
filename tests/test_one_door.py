"""What is evaluated is what is served: both score through `Predictor.advance`, and nobody else runs a classifier.

Learning has to: `training/loop.py` unrolls for its loss, and `training/wide.py` borrows that. `training/export.py`
writes a step down for other engines, and runs it to hold the two against each other.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
INSIDE: Final = {"initial_state", "unroll", "readout", "forward"}
LEARNERS: Final = {"training/loop.py", "training/wide.py", "training/export.py"}
SCORERS: Final = ("training/score.py", "service/catalogue.py")
FILES: Final = sorted(path for folder in ("training", "service") for path in (ROOT / folder).rglob("*.py"))


def reached(source: str) -> set[str]:
    """The names of attributes and of imports in a source."""
    nodes = list(ast.walk(ast.parse(source)))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return attributes | {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_folders_within_are_looked_at_too() -> None:
    assert ROOT / "service/metrics/metrics.py" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nobody_but_a_learner_runs_a_classifier(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    assert bool(reached(path.read_text()) & INSIDE) is (name in LEARNERS)


@pytest.mark.parametrize("name", SCORERS)
def test_evaluation_and_service_go_through_the_door(name: str) -> None:
    assert {"Predictor", "advance"} <= reached((ROOT / name).read_text())


def test_the_rule_sees_a_way_round() -> None:
    assert reached("logits = artefact.classifier.unroll(x)") & INSIDE
    assert reached("from training.loop import forward") & INSIDE
    assert not reached("(answer,) = predictor.advance(items)") & INSIDE
