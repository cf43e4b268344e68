"""The command line says what is, and its exit code too."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from servers.cli import main
from servers.errors import StartFailed
from servers.server import Server

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, **environment: str) -> Result:
        there: dict[str, str | None] = dict.fromkeys(
            each for each in os.environ if each.startswith("MINGLE_")
        )  # of whoever runs the tests: not for these
        where = {"MINGLE_SERVERS_DIR": str(tmp_path), "COLUMNS": "200"}
        return CliRunner(env=there | where | environment).invoke(main, arguments)

    return run


def test_status_of_stopped_servers(run: Run, tmp_path: Path) -> None:
    """Stopped servers are a table with the paths of their logs, and exit code 1."""
    result = run("status", MINGLE_KAFKA_PORT="21000")
    assert result.exit_code == 1
    _, kafka, cassandra = (line.split() for line in result.output.splitlines())
    assert kafka == ["kafka", "stopped", "127.0.0.1:21000", "-", f"{tmp_path}/kafka/server.log"]
    assert cassandra[2] == "127.0.0.1:9042"


def test_down_where_nothing_runs(run: Run) -> None:
    """Stopping stopped servers returns at once."""
    result = run("down")
    assert result.exit_code == 0
    assert result.output == "kafka is not running\ncassandra is not running\n"


def test_up_starts_both_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither server waits for the other to answer."""
    both = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(Server, "start", lambda server, timeout: both.wait())
    result = run("up")
    assert result.exit_code == 0
    assert "kafka answers on 127.0.0.1:9092" in result.output
    assert "cassandra answers on 127.0.0.1:9042" in result.output


def test_up_says_what_runs_already(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers is left alone."""
    monkeypatch.setattr(Server, "answers", lambda server: True)
    result = run("up", "kafka")
    assert result.exit_code == 0
    assert result.output == "kafka already runs on 127.0.0.1:9092\n"


def test_failed_start_is_one_line_and_exit_code_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is 1, without a traceback, and the other server starts."""

    def start(server: Server, timeout: float) -> None:
        if server.name == "kafka":
            raise StartFailed("kafka ended while it started")

    monkeypatch.setattr(Server, "start", start)
    result = run("up")
    assert result.exit_code == 1
    assert "error: kafka ended while it started\n" in result.output
    assert "cassandra answers" in result.output


@pytest.mark.parametrize(
    "arguments",
    [("--kafka-heap", "1gb", "up"), ("--cassandra-port", "0", "up"), ("up", "zookeeper")],
)
def test_wrong_use_is_exit_code_2(run: Run, arguments: tuple[str, ...]) -> None:
    """A senseless value is refused before anything starts."""
    assert run(*arguments).exit_code == 2
