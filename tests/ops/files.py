"""What ops/ holds, as the tests read it: rules, alerts, and the panels of the dashboards.

ops/prometheus/rules/*.yml --> rules, alerts      ops/grafana/dashboards/*.json --> panels, each with its queries
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from tests.e2e.server import ROOT

OPS: Final = ROOT / "ops"
RULES: Final = OPS / "prometheus" / "rules"
DASHBOARDS: Final = tuple(sorted((OPS / "grafana" / "dashboards").glob("*.json")))
OVERVIEW: Final = OPS / "grafana" / "dashboards" / "overview.json"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
_COMPARED: Final = re.compile(r" (==|!=|>=|<=|>|<) ")


class Query(NamedTuple):
    """One line of a panel, or several; in the legend {{name}} is a label."""

    legend: str
    expression: str

    def named(self, labels: dict[str, str]) -> str:
        """What the legend says of a series.

        >>> Query("{{model}} p50", "").named({"model": "spam-gru"})
        'spam-gru p50'
        """
        return re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), self.legend)


class Panel(NamedTuple):
    dashboard: str
    kind: str
    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]


def rules() -> list[dict[str, Any]]:
    """All rules, recording ones and alerts."""
    files = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def panels(path: Path) -> list[Panel]:
    return [
        Panel(
            path.stem,
            panel["type"],
            panel["title"],
            panel["fieldConfig"]["defaults"]["unit"],
            panel["description"],
            tuple(Query(target["legendFormat"], target["expr"]) for target in panel["targets"]),
        )
        for panel in json.loads(path.read_text("utf-8"))["panels"]
    ]


def expanded(expression: str, window: str) -> str:
    """As Grafana sends it, with everything chosen.

    >>> expanded('rate(a{task=~"$task"}[$__rate_interval])', "1m")
    'rate(a{task=~".+"}[1m])'
    """
    return expression.replace("$__rate_interval", window).replace("$task", ".+")


def unconditional(expression: str) -> str:
    """An alert's condition as 0 or 1, which has a value exactly where all that it compares has one.

    >>> unconditional('up{job="a"} == 0\\nor b > 1')
    'up{job="a"} == bool 0 and b > bool 1'
    """
    return _COMPARED.sub(r" \1 bool ", " ".join(expression.split())).replace(" or ", " and ")
