"""The `mingle` program. Each command is a module of its own, imported when it is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

COMMANDS: Final[Mapping[str, str]] = {
    "demo": "Run all of Mingle in one process and show it at work.",
    "explore": "Open the explorer of the API in the browser.",
    "worker": "Handle messages from Kafka.",
    "api": "Serve timelines and threads over HTTP.",
    "migrate": "Create or update the tables in Cassandra.",
    "topics": "Create the topics in Kafka, or check them.",
    "publish": "Send messages from files to Kafka.",
    "dead-letters": "See, send back or drop messages that could not be handled.",
    "replay": "Apply events again, by a plan.",
    "generations": "List the generations of homes.",
    "erase": "Erase an account for good, and prove it.",
    "rebuild": "Rebuild home timelines from author timelines.",
    "reindex": "Index the tags, words and conversations of posts anew.",
    "verify": "Check that homes and threads show what they must.",
    "home": "Read a user's home timeline.",
    "inbox": "Read who waits for a user's answer and what is new.",
    "catch-up": "Sum up what happened in a user's home.",
    "signal": "Read a user's home in the order of signal.",
    "thread": "Read the thread of a post.",
    "search": "Search public posts.",
    "explain": "Explain why a user sees a post, or does not.",
    "loadtest": "Measure what fan-out costs.",
    "doctor": "Find what keeps Mingle from working.",
    "status": "Look at the whole system at once.",
    "settings": "List every setting with its value and meaning.",
}
"""Names and summaries, so that `--help` does not import the commands."""


class Commands(click.Group):
    """Finds commands by name in the modules of this package."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"{__name__}.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="mingle", prog_name="mingle")
def main() -> None:
    """Home timelines and conversation threads, materialized from a log.

    Settings come from environment variables with the prefix MINGLE_; `mingle settings` lists
    them. The exit code is 0 for success, 1 for failure and 2 for wrong usage; a command whose work
    is not done yet may say so with 3.
    """
    import_module("..logs", __name__).log_on_stderr()  # not for `--help`
