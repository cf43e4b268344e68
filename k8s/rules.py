"""The alerts' rules as Prometheus itself reads them.

`python -m k8s.rules` writes `compose/rules.yaml` from the PrometheusRule of
`k8s/components/monitoring/`, which only the operator reads; a test holds the file to it.
"""

from pathlib import Path
from typing import Final

import yaml

RESOURCE: Final = Path(__file__).parent / "components" / "monitoring" / "alerts.yaml"
RULES: Final = Path(__file__).parents[1] / "compose" / "rules.yaml"
HEAD: Final = "# Made by `python -m k8s.rules` from k8s/components/monitoring/alerts.yaml.\n"


def render_rules() -> str:
    """Return what the PrometheusRule holds, as a rule file."""
    spec = yaml.safe_load(RESOURCE.read_text())["spec"]
    return HEAD + yaml.safe_dump(spec, sort_keys=False, width=1_000)


if __name__ == "__main__":
    RULES.write_text(render_rules())
