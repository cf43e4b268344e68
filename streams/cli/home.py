"""`mingle home`: reads a user's home timeline from the API."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.text import display_context
from streams.display.timeline import timeline_list


@click.command("home")
@click.argument("user", type=click.IntRange(min=1))
@click.option("--limit", type=click.IntRange(1, 100), help="Number of posts.")
@click.option("--before", metavar="CURSOR", help="Posts older than this cursor.")
@click.option("--after", metavar="CURSOR", help="Posts newer than this cursor.")
@click.option("--newer-than", metavar="CURSOR", help="The newest posts, down to this cursor.")
@api_option
@json_option
def command(user: int, api: str | None, as_json: bool, **parameters: str | int | None) -> None:
    """Read a user's home timeline.

    Newest posts first. A page prints the cursors that lead to other pages.
    """
    body = get_json(api, f"/v1/users/{user}/home", **parameters)
    print_answer(body, timeline_list(body, display_context()), as_json=as_json)
