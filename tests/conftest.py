"""With CI=true a skipped test is a failure, unless it is marked `cuda`: nothing goes unchecked in silence."""

from __future__ import annotations

import os
from collections.abc import Generator

import hypothesis
import pytest

# A deadline for an example would measure what else this machine is doing; how long is bounded elsewhere.
hypothesis.settings.register_profile("undertone", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("undertone")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("cuda") is None and not hasattr(report, "wasxfail"):
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
        report.longrepr = f"skipped, which CI does not allow without the mark `cuda`: {report.longrepr}"
