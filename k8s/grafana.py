"""Grafana's JSON of a dashboard: charts in rows, narrowed to a choice of namespace and roles."""

import json
import re
from typing import Any, Final, NamedTuple

COLUMNS: Final = 24
WIDTH: Final = 12
HEIGHT: Final = 8
METRIC: Final = re.compile(r"\b(?P<name>(timeline|conversation|process)_\w+)(?P<rest>\{[^}]*\})?")
CHOSEN: Final = ('namespace=~"$namespace"', 'role=~"$role"')
"""Compose has neither label: what is not there matches `.*`."""
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

JSON = dict[str, Any]


class Query(NamedTuple):
    """A query for a line, or for several that differ in the legend."""

    expression: str
    legend: str


class Panel(NamedTuple):
    """A chart over time. Its description says how to read it."""

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]


class Dashboard(NamedTuple):
    """A dashboard of panels, two in a row."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def select_namespace_and_role(expression: str) -> str:
    """Return a query with every metric narrowed to what the dashboard's variables choose."""
    return METRIC.sub(
        lambda found: f"{found['name']}{{{', '.join([*_matchers(found['rest']), *CHOSEN])}}}",
        expression,
    )


def _matchers(braces: str | None) -> list[str]:
    return [] if braces is None else [braces[1:-1]]


def render_dashboard(dashboard: Dashboard) -> str:
    """Return a dashboard as JSON for Grafana."""
    page = {
        "uid": f"mingle-{dashboard.name}",
        "title": dashboard.title,
        "tags": ["mingle"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource",
                 "query": "prometheus"},
                _variable("namespace"),
                _variable("role"),
            ]
        },
        "links": [
            {"title": "Mingle", "type": "dashboards", "tags": ["mingle"], "keepTime": True}
        ],
        "panels": [_panel(number, each) for number, each in enumerate(dashboard.panels)],
    }  # fmt: skip
    return json.dumps(page, indent=1) + "\n"


def _variable(label: str) -> JSON:
    """Return a choice among the values of a label, all of them at first."""
    return {
        "name": label, "type": "query", "datasource": DATASOURCE, "refresh": 2,
        "query": f"label_values(timeline_build_info, {label})",
        "includeAll": True, "allValue": ".*", "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _panel(number: int, panel: Panel) -> JSON:
    row, column = divmod(number * WIDTH, COLUMNS)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "gridPos": {"x": column, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "expr": select_namespace_and_role(each.expression),
                "legendFormat": each.legend,
            }
            for place, each in enumerate(panel.queries)
        ],
    }
