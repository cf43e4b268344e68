"""Alerts fire when they should, and say where to read on."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import ROOT, rules, tool

CASES = Path(__file__).with_name("alerts.yaml")
ALERTS = [
    rule for group in rules()["groups"] for rule in group["rules"] if rule.get("alert") is not None
]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()


def alert_tests() -> list[Any]:
    return [
        test
        for case in yaml.safe_load(CASES.read_text())["tests"]
        for test in case["alert_rule_test"]
    ]


def run(*arguments: Any) -> str:
    done = subprocess.run(
        [tool("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_are_valid(tmp_path: Path) -> None:
    """Promtool has nothing to object to, templates of annotations included."""
    written = tmp_path / "rules.yaml"
    written.write_text(yaml.safe_dump(rules()))
    assert "SUCCESS" in run("check", "rules", "--lint=all", "--lint-fatal", written)


def test_they_fire_when_they_should(tmp_path: Path) -> None:
    """And not before, nor for what is no trouble; alerts.yaml beside this tells the stories."""
    told = rules()
    for group in told["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # promtool would want each repeated, values and all
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(told))
    cases = tmp_path / "cases.yaml"
    cases.write_bytes(CASES.read_bytes())
    assert "SUCCESS" in run("test", "rules", cases)


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
    assert page == "docs/runbook.md"
    sections = re.split(r"^#+ ", RUNBOOK, flags=re.MULTILINE)
    (section,) = (each for each in sections if each.split("\n")[0].lower() == anchor)
    assert all(f"\n{number}. " in section for number in (1, 2, 3))
    assert "**Remedy.**" in section
