"""The page of the documentation that lists every metric, made from their declarations.

`python -m services.metrics.page > docs/metrics.md`
"""

import sys

from services.metrics.metrics import declarations

HEAD = """# Metrics

Made by `python -m services.metrics.page`. Workers and the API show theirs at `/metrics`.

| metric | type | labels | what it says |
| --- | --- | --- | --- |
"""


def render_metrics_page() -> str:
    """The page, in Markdown."""
    rows = (
        f"| `{each.name}` | {kind} | {', '.join(each.labels)} | {each.description} |\n"
        for kind, each in declarations()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(render_metrics_page())
