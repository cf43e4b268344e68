"""Shows which metrics changed between two readings of `/metrics`."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from prometheus_client.parser import text_string_to_metric_families
from rich.table import Table
from rich.text import Text

MetricValues: TypeAlias = Mapping[str, float]
"""Values by name and labels, as in the exposition format."""

OURS: Final = ("timeline_", "conversation_")


def read_metrics(exposition: str) -> MetricValues:
    """Return our counters, our gauges and the counts of our histograms."""
    return dict(_samples(exposition))


def metric_changes(before: MetricValues, after: MetricValues) -> Table:
    """Return a line for each value that changed; a value that is new was 0 before."""
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
