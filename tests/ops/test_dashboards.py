"""Grafana's dashboards: nothing in them that Grafana does not know, and a word on every panel for who is on call."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard
from PIL import Image

from tests.e2e.server import ROOT
from tests.ops.files import DASHBOARDS, OPS, Panel, alerts, panels
from tests.ops.picture import SHOWN, shown

UNITS: Final = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
EVERY: Final = [panel for path in DASHBOARDS for panel in panels(path)]
WIDTH: Final = 24
"""Columns of Grafana's grid."""


def lost(written: Any, read: Any, path: str = "") -> list[str]:
    """Where `read` does not say what was written."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [place for key in written for place in lost(written[key], read.get(key), f"{path}/{key}")]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [place for number, (one, other) in pairs for place in lost(one, other, f"{path}/{number}")]
    return [] if written == read else [path]


def through_grafana_s_model(dashboard: Any) -> Any:
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))


def test_these_are_the_dashboards() -> None:
    assert [path.stem for path in DASHBOARDS] == ["capacity", "model", "overview", "sessions"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafana_s_own_model_loses_nothing_of_it(path: Path) -> None:
    written = json.loads(path.read_text("utf-8"))
    assert lost(written, through_grafana_s_model(written)) == []
    written["panels"][0]["fieldConfig"]["defaults"]["unti"] = "s"
    written["panels"][1]["option"] = {}
    wrong = lost(written, through_grafana_s_model(written))
    assert wrong == ["/panels/0/fieldConfig/defaults/unti", "/panels/1/option"]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_it_is_found_under_one_name_and_its_panels_do_not_overlap(path: Path) -> None:
    dashboard = json.loads(path.read_text("utf-8"))
    assert dashboard["uid"] == f"undertone-{path.stem}"
    assert dashboard["tags"] == ["undertone"]
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= WIDTH
        own = {(place["x"] + i, place["y"] + j) for i in range(place["w"]) for j in range(place["h"])}
        assert not own & cells, panel["title"]
        cells |= own
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("panel", EVERY, ids=lambda panel: f"{panel.dashboard}: {panel.title}")
def test_a_panel_has_a_unit_and_says_what_to_do(panel: Panel) -> None:
    assert panel.unit in UNITS
    assert re.search(r"\b[Ii]f .{10,}", panel.description), "what is wrong, and what to do about it"
    assert panel.description.endswith(".")
    assert panel.queries
    assert set(re.findall(r"runbook of (\w+)", panel.description)) <= {alert["alert"] for alert in alerts()}
    assert set(re.findall(r"“([^”]+)”", panel.description)) <= {other.title for other in EVERY}


def test_every_query_asks_the_prometheus_that_is_provisioned() -> None:
    folder = OPS / "grafana" / "provisioning" / "datasources"
    (source,) = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))["datasources"]
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text("utf-8"))
        for part in [*dashboard["panels"], *dashboard["templating"]["list"]]:
            assert part["datasource"] == {"type": source["type"], "uid": source["uid"]}, path.stem


def test_the_picture_in_the_readme_is_of_this_dashboard() -> None:
    """Else: make ops DRAW=docs/overview.png."""
    with Image.open(ROOT / "docs" / "overview.png") as picture:
        assert picture.info[SHOWN] == shown()
