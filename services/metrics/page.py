"""The documentation page of all metrics, made from their declarations.

`python -m services.metrics.page > docs/metrics.md`
"""

import sys

from services.metrics.metrics import declarations

HEAD = """# Metrics

Made by `python -m services.metrics.page`. Workers and the API serve their metrics at `/metrics`.

| metric | type | labels | meaning |
| --- | --- | --- | --- |
"""


def render_metrics_page() -> str:
    """Return the page as Markdown."""
    rows = (
        f"| `{each.name}` | {kind} | {', '.join(each.labels)} | {each.description} |\n"
        for kind, each in declarations()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(render_metrics_page())
