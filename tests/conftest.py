"""With CI=true a skipped test is a failure, unless it is marked `cuda`: nothing goes unchecked in silence.

Who has the data sets names them (DATA_DIR), and only then the tests marked `data` are among those to run.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Final

import hypothesis
import pytest

# A deadline for an example would measure what else this machine is doing; how long is bounded elsewhere.
hypothesis.settings.register_profile("undertone", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("undertone")


EXCUSED: Final = "cuda"
"""The mark of what may be missing anywhere: a device."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "DATA_DIR" in os.environ:
        return
    wanting = [item for item in items if item.get_closest_marker("data")]
    items[:] = [item for item in items if item not in wanting]
    config.hook.pytest_deselected(items=wanting)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if not item.get_closest_marker(EXCUSED) and not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file that skips itself while it is imported."""
    report = yield
    _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow without the mark {EXCUSED}: {report.longrepr}"
