"""The pipeline on real servers, and figures of the runs, printed at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.server import Reachable
from tests.e2e.groups import empty_groups
from tests.e2e.pipeline import Pipeline, Record

FIGURES = "figures"


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Keep named figures of a run for the summary, as a property that its report carries."""

    def record_run(run: str, **figures: Any) -> None:
        shown = ", ".join(f"{name} {value:,}" for name, value in figures.items())
        record_property(FIGURES, f"{run}: {shown}")

    return record_run


@pytest.fixture
def pipeline(kafka: Reachable, cassandra: Reachable, tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(kafka.address, cassandra.port, tmp_path, retention_days=0)
    try:
        empty_groups(kafka.address)
        pipeline.prepare()
        yield pipeline
    finally:
        pipeline.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    recorded = [
        line
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, line in report.user_properties
        if name == FIGURES
    ]
    if recorded:
        terminalreporter.section("figures")
    for line in recorded:
        terminalreporter.write_line(line)
