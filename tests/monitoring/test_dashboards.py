"""Dashboards are what their definitions make."""

import json

import pytest

from k8s.dashboards import DASHBOARDS, FOLDER, dashboard_path
from k8s.grafana import COLUMNS, Dashboard, render_dashboard, select_namespace_and_role


def test_their_files_are_current() -> None:
    """`python -m k8s.dashboards` writes them anew; there are no others."""
    assert {dashboard_path(each): render_dashboard(each) for each in DASHBOARDS} == {
        file: file.read_text() for file in FOLDER.iterdir()
    }


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.name)
def test_panels_say_what_to_read_from_them(dashboard: Dashboard) -> None:
    """Each has a description, a legend for every query, and a place of its own."""
    page = json.loads(render_dashboard(dashboard))
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in page["panels"]]
    assert len(places) == len(set(places))
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= COLUMNS for panel in page["panels"])
    for panel in dashboard.panels:
        assert panel.description
        assert panel.queries
        assert all(query.legend for query in panel.queries)


def test_every_metric_is_narrowed_to_what_is_chosen() -> None:
    """Beside what a query selects already; words that are no metrics are left alone."""
    asked = 'sum by (lane) (rate(timeline_a_total{lane="push"}[5m])) / max(process_b)'
    assert select_namespace_and_role(asked) == (
        'sum by (lane) (rate(timeline_a_total{lane="push", namespace=~"$namespace", '
        'role=~"$role"}[5m])) / max(process_b{namespace=~"$namespace", role=~"$role"})'
    )
