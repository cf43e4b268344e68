"""`mingle home`: a user's home timeline, asked of the API."""

import json

import click
from rich.console import Console

from streams.cli.api_client import api_option, get_json, json_option
from streams.display.text import display_context
from streams.display.timeline import timeline_list


@click.command("home")
@click.argument("user", type=click.IntRange(min=1))
@click.option("--limit", type=click.IntRange(1, 100), help="Posts on the page.")
@click.option("--before", metavar="CURSOR", help="Older posts than this place.")
@click.option("--after", metavar="CURSOR", help="Newer posts than this place.")
@click.option("--newer-than", metavar="CURSOR", help="The newest posts, down to this place.")
@api_option
@json_option
def command(user: int, api: str | None, as_json: bool, **parameters: str | int | None) -> None:
    """Read a user's home timeline.

    Newest first. Cursors are what an earlier page printed.
    """
    body = get_json(api, f"/v1/users/{user}/home", **parameters)
    if as_json:
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        Console().print(timeline_list(body, display_context()))
