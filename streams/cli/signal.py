"""`mingle signal`: reads a user's home in the order in which they may want to answer."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.signal import signal_list
from streams.display.text import display_context


@click.command("signal")
@click.argument("user", type=click.IntRange(min=1))
@click.option("--limit", type=click.IntRange(1, 100), help="Number of posts.")
@click.option("--before", metavar="CURSOR", help="Posts that stand behind this cursor.")
@api_option
@json_option
def command(user: int, api: str | None, as_json: bool, **parameters: str | int | None) -> None:
    """Read a user's home in the order of signal.

    That is the order in which they are likely to want to answer.

    Below each post stands why it is there. A page prints the cursor that leads to the next one.
    """
    body = get_json(api, f"/v1/users/{user}/home", view="signal", **parameters)
    print_answer(body, signal_list(body, display_context()), as_json=as_json)
