"""The result of one process of a replay."""

from typing import NamedTuple

from services.metrics.metrics import Metrics
from streams.replay.progress import Progress


class ReplayResult(NamedTuple):
    """How far a replay is when a process ends, and what this process did."""

    progress: Progress
    seconds: float
    entries: int
    store_requests: int

    def figures(self) -> dict[str, float]:
        """Return what this process did."""
        return {name: value for name, value in self._asdict().items() if name != "progress"}


def read_counters(metrics: Metrics) -> tuple[int, int]:
    """Return how many entries were written, and how many requests the store had."""
    samples = [each for family in metrics.registry.collect() for each in family.samples]

    def total(name: str) -> int:
        return int(sum(each.value for each in samples if each.name == name))

    return (
        total("timeline_fanout_entries_written_total"),
        total("timeline_store_request_seconds_count"),
    )
