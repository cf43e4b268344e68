"""The rules as Prometheus takes them, and what it says of them."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus import program

Promtool = Callable[..., str]

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "k8s" / "components" / "monitoring"
RUNBOOK_BASE = "{{ $externalLabels.runbook_base }}"
"""How an alert's link begins: with a label that Prometheus is configured with, or nothing."""


def rules() -> dict[str, Any]:
    """What the PrometheusRule holds."""
    spec: dict[str, Any] = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["spec"]
    return spec


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """Run promtool with these arguments and return what it prints; it must find no fault."""
    path = program("promtool")

    def run(*arguments: Any) -> str:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
