"""Alerts fire when they should, and say where to read on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.rules import RULES, render_rules
from tests.monitoring.conftest import ROOT, RUNBOOK_BASE, Promtool, rules
from tests.prometheus import BUILD_SECONDS

CASES = Path(__file__).with_name("alerts.yaml")
ALERTS = [
    rule for group in rules()["groups"] for rule in group["rules"] if rule.get("alert") is not None
]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

building = pytest.mark.timeout(BUILD_SECONDS)
"""The first test that asks for promtool may have to wait until it is built."""


def alert_tests() -> list[Any]:
    return [
        test
        for case in yaml.safe_load(CASES.read_text())["tests"]
        for test in case["alert_rule_test"]
    ]


@building
def test_rules_are_valid(promtool: Promtool, tmp_path: Path) -> None:
    """Promtool has nothing to object to, templates of annotations included."""
    written = tmp_path / "rules.yaml"
    written.write_text(yaml.safe_dump(rules()))
    assert "SUCCESS" in promtool("check", "rules", "--lint=all", "--lint-fatal", written)


@building
def test_they_fire_when_they_should(promtool: Promtool, tmp_path: Path) -> None:
    """And not before, nor for what is no trouble; alerts.yaml beside this tells the stories."""
    told = rules()
    for group in told["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # promtool would want each repeated, values and all
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(told))
    cases = tmp_path / "cases.yaml"
    cases.write_bytes(CASES.read_bytes())
    assert "SUCCESS" in promtool("test", "rules", cases)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_each_is_tried_both_ways(alert: dict[str, Any]) -> None:
    """There is a story in which it fires, and one in which it does not."""
    tried = [test for test in alert_tests() if test["alertname"] == alert["alert"]]
    assert any(test.get("exp_alerts") for test in tried)
    assert any(not test.get("exp_alerts") for test in tried)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule["alert"])
def test_each_has_its_page(alert: dict[str, Any]) -> None:
    """It pages or waits for the day; its link is a heading of the runbook with three looks."""
    assert alert["labels"]["severity"] in {"page", "ticket"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page == RUNBOOK_BASE + "docs/runbook.md"
    sections = re.split(r"^#+ ", RUNBOOK, flags=re.MULTILINE)
    (section,) = (each for each in sections if each.split("\n")[0].lower() == anchor)
    assert all(f"\n{number}. " in section for number in (1, 2, 3))
    assert "**Remedy.**" in section


def test_compose_has_the_same_rules() -> None:
    """`python -m k8s.rules` writes them anew, and Prometheus is told of the file."""
    assert RULES.read_text() == render_rules()
    configuration = yaml.safe_load((ROOT / "compose" / "prometheus.yaml").read_text())
    assert configuration["rule_files"] == [RULES.name]
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert (
        f"./compose/{RULES.name}:/etc/prometheus/{RULES.name}:ro"
        in (services["prometheus"]["volumes"])
    )


@building
def test_prometheus_takes_the_configuration_of_compose(promtool: Promtool) -> None:
    """Promtool reads it without a complaint."""
    promtool("check", "config", "--syntax-only", ROOT / "compose" / "prometheus.yaml")
