"""What a command prints as JSON is all that it prints on standard output."""

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest
import structlog
from click.testing import CliRunner

from streams.cli import main

log = structlog.get_logger(__name__)


def commands_with_json(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of names that leads to a command with the option."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands_with_json(command, (*path, name))
        elif command is not None and any(each.name == "as_json" for each in command.params):
            yield (*path, name)


def command_at(path: tuple[str, ...]) -> click.Command:
    found: Any = main
    for name in path:
        found = found.get_command(click.Context(found), name)
    assert isinstance(found, click.Command)
    return found


PATHS = sorted(commands_with_json(main))


@pytest.fixture(autouse=True)
def _same_logs_afterwards() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_there_are_such_commands() -> None:
    """Else the test below would say nothing."""
    assert {("replay", "run"), ("replay", "plan"), ("verify",)} <= set(PATHS)


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_logs_do_not_mix_with_json(path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the work of the command logs: here it does nothing else."""

    def work() -> None:
        log.info("noted")
        log.error("noticed")
        click.echo(json.dumps({"done": True}))

    command = command_at(path)
    monkeypatch.setattr(command, "callback", work)
    monkeypatch.setattr(command, "params", [])
    result = CliRunner().invoke(main, path, catch_exceptions=False)
    assert json.loads(result.stdout) == {"done": True}
    assert "noted" in result.stderr
    assert "noticed" in result.stderr
