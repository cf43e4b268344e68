"""The rules as Prometheus takes them, and the tools of Prometheus."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "k8s" / "components" / "monitoring"


def rules() -> dict[str, Any]:
    """What the PrometheusRule holds."""
    spec: dict[str, Any] = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["spec"]
    return spec


def tool(name: str) -> Path:
    path = ROOT / ".tools" / name
    if not path.exists():
        pytest.skip(f"{name} is not built: `make tools`, which needs Go")
    return path
