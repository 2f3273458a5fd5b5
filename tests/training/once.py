"""Results that take long are made once: asked for again they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from training import outcome
from training.__main__ import main


def never(*_: object, **__: object) -> None:
    raise AssertionError("made again")


def made_once(
    arguments: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """The lines that a command prints once its rows are there: in no time it makes none, then all, then none again."""
    assert main([*arguments, "--minutes", "1e-9"]) == 0
    assert not list(folder.glob("*/*/row.json"))
    assert main(arguments) == 0
    monkeypatch.setattr(outcome, "_made", never)
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out.splitlines()
