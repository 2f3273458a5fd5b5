"""Rules for Prometheus: they are valid, each alert is seen to fire and not to fire, and each has a runbook."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
import yaml

from service.errors import ShuttingDown
from service.metrics.families import SECONDS
from service.outcomes import ANSWERS
from tests.e2e.server import ROOT
from tests.ops.files import DASHBOARDS, OPS, RUNBOOKS, alerts, panels, rules

PROMTOOL: Final = Path(__file__).parent / "promtool"
TESTS: Final = sorted(PROMTOOL.glob("*.yml"))
NAMES: Final = [alert["alert"] for alert in alerts()]


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def expectations() -> dict[str, list[bool]]:
    """For every alert, whether it was to fire: once per moment that a test looks at."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for path in TESTS:
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            for look in test.get("alert_rule_test", ()):
                found[look["alertname"]].append(bool(look["exp_alerts"]))
    return found


@pytest.mark.tools
def test_promtool_finds_nothing_wrong() -> None:
    checked = promtool("check", "config", "--lint=all", "--lint-fatal", OPS / "prometheus" / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.tools
def test_the_series_fire_what_they_are_to_fire() -> None:
    tested = promtool("test", "rules", *TESTS)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_seen_to_fire_and_not_to_fire(name: str) -> None:
    assert set(expectations()[name]) == {True, False}


def test_every_alert_is_seen_near_its_threshold() -> None:
    """Rules that fire five times too early passed the series that are far from it."""
    near = (PROMTOOL / "thresholds.yml").read_text("utf-8")
    assert set(re.findall(r'alertname="(\w+)"', near)) == set(NAMES)


def test_every_alert_has_a_runbook_and_says_who_is_to_hear_of_it() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert {path.stem for path in RUNBOOKS.iterdir()} == set(NAMES)
    for alert in alerts():
        name = alert["alert"]
        assert alert["labels"]["severity"] in ("page", "ticket"), name
        assert set(alert["annotations"]) == {"summary", "description", "runbook"}, name
        assert alert["annotations"]["runbook"] == f"{{{{ $externalLabels.runbooks }}}}/{name}.md"
        lines = (RUNBOOKS / f"{name}.md").read_text("utf-8").splitlines()
        assert lines[0] == f"# {name}"
        assert [line for line in lines if line.startswith("## ")] == ["## What it means", "## Look", "## Do"], name


def test_a_runbook_names_what_there_is() -> None:
    """Panels, metrics, settings and other runbooks, as they are called today."""
    titles = {panel.title for path in DASHBOARDS for panel in panels(path)}
    settings = (ROOT / "service" / "settings.py").read_text("utf-8")
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    known = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    for path in RUNBOOKS.iterdir():
        text = " ".join(path.read_text("utf-8").split())
        assert set(re.findall("“([^”]+)”", text)) <= titles
        for setting in re.findall(r"UNDERTONE_[A-Z_]+", text):
            assert f'"{setting}"' in settings, f"{path.name}: {setting}"
        for link in re.findall(r"\]\(([^)]+)\)", text):
            assert (RUNBOOKS / link).is_file(), f"{path.name}: {link}"
        for name in re.findall(r"`((?:\w+:)?undertone[_:][a-z0-9_:]+)", text):
            base = re.sub(r"_(bucket|count|sum)$", "", name)
            assert name in recorded or f"`{base}`" in known, f"{path.name}: {name}"


def test_what_the_rules_take_from_the_code_is_what_the_code_says() -> None:
    every = "".join(rule["expr"] for rule in rules())
    faults = {error.code for answers in ANSWERS.values() for error in answers.errors if error.status >= 500}
    codes = {code for codes in re.findall(r'code=~"([^"]+)"', every) for code in codes.split("|")}
    assert codes == faults - {ShuttingDown.code}, "this side's doing; to stop is not a fault"
    assert {float(bound) for bound in re.findall(r'le="([^"]+)"', every)} <= set(SECONDS)


def made_up(expression: str) -> bool:
    """Says a number where there is none."""
    return bool(re.search(r"\bor\b.*\bvector *\(", " ".join(expression.split())))


def test_no_expression_makes_up_what_is_not_there() -> None:
    """With a default of 0, a metric that is misspelt or gone looks like a quiet night."""
    queries = [query.expression for path in DASHBOARDS for panel in panels(path) for query in panel.queries]
    assert [said for said in (*(rule["expr"] for rule in rules()), *queries) if made_up(said)] == []
    assert made_up("sum(a)\n  or\n  on ()\n  vector(0)")
    assert not made_up("vector(0.001)")
