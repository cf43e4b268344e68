"""The pipeline on real servers, and figures of the runs, printed at the end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from servers.server import Reachable
from tests.e2e.groups import empty_groups
from tests.e2e.pipeline import Pipeline

FIGURES = pytest.StashKey[list[tuple[str, dict[str, Any]]]]()


@pytest.fixture
def record_figures(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Keeps named figures of a run for the summary."""

    def record(run: str, **figures: Any) -> None:
        pytestconfig.stash.setdefault(FIGURES, []).append((run, figures))

    return record


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
    recorded = terminalreporter.config.stash.get(FIGURES, [])
    if recorded:
        terminalreporter.section("figures")
    for run, figures in recorded:
        said = ", ".join(f"{name} {value:,}" for name, value in figures.items())
        terminalreporter.write_line(f"{run}: {said}")
