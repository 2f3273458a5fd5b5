"""The rule of tests/conftest.py: what passes and what fails in a real run of pytest, with CI and without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SKIPS = """
import pytest

@pytest.mark.skip
def test_marked(): ...

def test_at_run_time():
    pytest.skip("not today")

@pytest.mark.cuda
@pytest.mark.skip
def test_without_a_device(): ...

@pytest.mark.data
@pytest.mark.skip
def test_without_data(): ...

@pytest.mark.xfail(strict=True)
def test_expected():
    assert False

def test_plain(): ...
"""


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"CI": "true"}, "1 failed, 1 passed, 1 skipped, 1 deselected, 1 xfailed, 2 errors"),
        ({"CI": "true", "DATA_DIR": "x"}, "1 failed, 1 passed, 1 skipped, 1 xfailed, 3 errors"),
        ({"CI": ""}, "1 passed, 4 skipped, 1 deselected, 1 xfailed"),
    ],
)
def test_in_ci_a_skipped_test_is_a_failure_unless_it_is_excused(
    tmp_path: Path, environment: dict[str, str], wanted: str
) -> None:
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path)
    marks = "cuda: as in pyproject.toml\n    data: the same"
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers =\n    {marks}\n")
    (tmp_path / "test_skips.py").write_text(SKIPS)
    (tmp_path / "test_file.py").write_text('import pytest\n\npytest.skip("all of it", allow_module_level=True)\n')
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", str(tmp_path)],
        env={name: value for name, value in os.environ.items() if name != "DATA_DIR"} | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert wanted in ran.stdout.splitlines()[-1], ran.stdout + ran.stderr
