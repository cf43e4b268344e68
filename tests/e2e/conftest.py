"""Figures of the runs, printed at the end."""

from collections.abc import Callable
from typing import Any

import pytest

FIGURES = pytest.StashKey[list[tuple[str, dict[str, Any]]]]()


@pytest.fixture
def record_figures(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Keeps named figures of a run for the summary."""

    def record(run: str, **figures: Any) -> None:
        pytestconfig.stash.setdefault(FIGURES, []).append((run, figures))

    return record


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    recorded = terminalreporter.config.stash.get(FIGURES, [])
    if recorded:
        terminalreporter.section("figures")
    for run, figures in recorded:
        said = ", ".join(f"{name} {value:,}" for name, value in figures.items())
        terminalreporter.write_line(f"{run}: {said}")
