"""The program as a whole: what it lists, how fast it answers, how it refuses wrong use."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from streams.cli import COMMANDS, main


def test_every_command_is_listed_with_its_summary() -> None:
    """`--help` lists the commands' own summaries without importing the commands."""
    listed = CliRunner().invoke(main, ["--help"]).output
    for name, summary in COMMANDS.items():
        assert name in listed
        assert summary in listed


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """`--help` works everywhere, and begins with the summary."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert COMMANDS[name] in result.output


def test_an_unknown_command_is_wrong_use() -> None:
    """Exit code 2, and no traceback."""
    result = CliRunner().invoke(main, ["gossip"])
    assert result.exit_code == 2
    assert "No such command 'gossip'" in result.output


def test_help_imports_no_command() -> None:
    """The modules of a command are imported when it is used, so that help is fast."""
    code = (
        "import sys; from click.testing import CliRunner; from streams.cli import main; "
        "CliRunner().invoke(main, ['--help']); "
        "print([name for name in ('faust', 'pydantic', 'msgspec', 'rich') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.strip() == "[]"
