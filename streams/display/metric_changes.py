"""Which metrics moved between two looks at `/metrics`."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table
from rich.text import Text

MetricValues: TypeAlias = Mapping[str, float]
"""Values by name and labels, as they stand in the exposition."""

OURS: Final = ("timeline_", "conversation_")


def read_metrics(exposition: str) -> MetricValues:
    """Our counters and gauges, and of each histogram how often it was observed."""
    return dict(_samples(exposition))


def metric_changes(before: MetricValues, after: MetricValues) -> Table:
    """A line for each value that is another now; what was not there before was 0."""
    table = Table.grid(padding=(0, 2))
    for name, now in after.items():
        was = before.get(name, 0.0)
        if now != was:
            table.add_row(name, Text(f"{was:g}", style="dim"), "→", Text(f"{now:g}", style="bold"))
    return table


def _samples(exposition: str) -> Iterator[tuple[str, float]]:
    for family in text_string_to_metric_families(exposition):
        if not family.name.startswith(OURS):
            continue
        for sample in family.samples:
            if sample.name.endswith(("_bucket", "_sum", "_created")):
                continue
            labels = ", ".join(f"{name}={value}" for name, value in sample.labels.items())
            yield (f"{sample.name} {labels}".rstrip(), sample.value)
