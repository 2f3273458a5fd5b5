"""Alertmanager: its configuration is valid, and every alert reaches who it is for."""

from __future__ import annotations

import subprocess
from typing import Final

import pytest
import yaml

from tests.ops.files import OPS, alerts

CONFIG: Final = OPS / "alertmanager" / "alertmanager.yml"
pytestmark = pytest.mark.tools


def amtool(*arguments: str) -> str:
    return subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=True).stdout


def test_amtool_finds_nothing_wrong() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.parametrize(("severity", "receiver"), [("page", "pages"), ("ticket", "tickets")])
def test_a_page_wakes_somebody_and_a_ticket_does_not(severity: str, receiver: str) -> None:
    names = [alert["alert"] for alert in alerts() if alert["labels"]["severity"] == severity]
    assert names
    for name in names:
        labels = (f"alertname={name}", f"severity={severity}", "job=undertone")
        assert amtool("config", "routes", "test", "--config.file", str(CONFIG), *labels).split() == [receiver]


def test_alerts_that_silence_others_exist() -> None:
    rules = yaml.safe_load(CONFIG.read_text("utf-8"))["inhibit_rules"]
    matchers = [matcher for rule in rules for matcher in rule["source_matchers"] + rule["target_matchers"]]
    names = {name for matcher in matchers for name in matcher.partition("=")[2].strip('~"').split("|")}
    assert names <= {alert["alert"] for alert in alerts()}
