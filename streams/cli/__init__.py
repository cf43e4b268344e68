"""`mingle`, the one program. Each command is a module of its own, imported when it is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "Show the whole of Mingle at work, in this process alone.",
    "worker": "Handle what arrives on Kafka.",
    "api": "Serve timelines and threads over HTTP.",
    "migrate": "Bring the tables in Cassandra up to date.",
    "topics": "Create the topics, or compare them with what is declared.",
    "publish": "Send messages from files to Kafka.",
    "dead-letters": "See, send back or drop what could not be handled.",
    "replay": "Apply events again, by a plan.",
    "rebuild": "Write home timelines anew from author timelines.",
    "verify": "Compare what is shown with what must be.",
    "home": "Read a user's home timeline.",
    "thread": "Read the thread of a post.",
    "explain": "Say why a user sees a post, or does not.",
    "loadtest": "Measure what fan-out costs.",
    "doctor": "Find out what keeps Mingle from working.",
    "settings": "List every setting with its value and meaning.",
}
"""Name and summary, so that `--help` need not import the commands."""


class Commands(click.Group):
    """Commands found by name in the modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"streams.cli.{_module(cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _module(name: str) -> str:
    return name.replace("-", "_")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mingle", prog_name="mingle")
def main() -> None:
    """Home timelines and conversation threads, materialized from a log.

    Settings come from the environment, prefix MINGLE_; `mingle settings` lists them. Exit codes
    are 0 for done, 1 for failed and 2 for wrong use.
    """
