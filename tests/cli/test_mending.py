"""Commands that mend and verify say what they need; tests/e2e runs them on real servers."""

import pytest
from click.testing import CliRunner, Result

from streams.cli import main


def mingle(*arguments: str, **settings: str) -> Result:
    return CliRunner(env={f"MINGLE_{k.upper()}": v for k, v in settings.items()}).invoke(
        main, arguments
    )


@pytest.mark.parametrize("arguments", [[], ["1", "--all"], ["0"], ["alice"]])
def test_a_rebuild_names_users_or_all(arguments: list[str]) -> None:
    result = mingle("rebuild", *arguments)
    assert result.exit_code == 2
    assert "Usage" in result.output


@pytest.mark.parametrize("arguments", [[], ["0"], ["alice"], ["1", "2"], ["1", "--rate", "0"]])
def test_an_erasure_names_one_account(arguments: list[str]) -> None:
    result = mingle("erase", *arguments)
    assert result.exit_code == 2
    assert "Usage" in result.output


@pytest.mark.parametrize("command", [["rebuild", "1"], ["reindex"], ["verify"], ["erase", "1"]])
def test_what_another_process_has_in_memory_cannot_be_reached(command: list[str]) -> None:
    result = mingle(*command, store="memory")
    assert result.exit_code == 1
    assert "MINGLE_STORE" in result.output


@pytest.mark.parametrize("command", [["rebuild", "1"], ["reindex"], ["verify"], ["erase", "1"]])
def test_a_store_that_is_away_is_one_line(command: list[str]) -> None:
    """The exit code is 1, and there is no traceback."""
    result = mingle(*command, cassandra_port="1")
    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert "Cassandra" in result.output
