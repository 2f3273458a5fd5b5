"""The benchmark of a long body ends with 1 where the worker holds more of it than it may."""

from __future__ import annotations

import sys

import pytest

from benchmarks import body


def test_what_is_held_is_told_and_too_much_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["body", "--megabytes", "1"])
    monkeypatch.setattr(body, "WARM", 4)
    monkeypatch.setattr(body, "MOST_MB", -1000.0)
    assert body.main() == 1
    came, _, grown = capsys.readouterr().out.splitlines()
    assert came.startswith("1.1 MB in 1,088 sentences, ")
    assert grown.endswith(" MB, NOT at most -1000 MB")
