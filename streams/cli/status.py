"""`mingle status`: one look at the whole system."""

import json
import sys
import time

import click
import msgspec

from services.settings.settings import Settings
from streams.cli.configuration import load_settings
from streams.cli.dead_letter_options import run_async
from streams.cli.output import json_output, text_console
from streams.display.status import status_lines
from streams.system_status import SystemStatus, load_system_status


@click.command("status")
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS",
              help="Look again after so many seconds, until interrupted.")  # fmt: skip
@json_output("Print a JSON object for each look.")
def command(watch: float | None, as_json: bool) -> None:
    """Look at the whole system at once.

    It may be asked from wherever Kafka and Cassandra can be reached, and says who is in which group
    and how far behind, which brakes are on, how many dead letters are open, and which generations
    of homes, replays and migrations there are. Changes nothing. The exit code is 1 if a part could
    not be asked.
    """
    settings = load_settings()
    while True:
        found = run_async(settings, load_system_status(settings))
        _show(found, settings, as_json, clear=watch is not None)
        if watch is None:
            sys.exit(1 if found.problems else 0)
        time.sleep(watch)


def _show(found: SystemStatus, settings: Settings, as_json: bool, *, clear: bool) -> None:
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return
    console = text_console(for_tables=True)
    if clear and console.is_terminal:
        console.clear()
    for each in status_lines(found, settings):
        console.print(each, soft_wrap=True)
