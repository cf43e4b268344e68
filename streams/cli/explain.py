"""`mingle explain`: why a user sees a post or does not, asked of the API."""

import json

import click
from rich.console import Console

from streams.cli.api_client import api_option, get_json, json_option
from streams.display.explanation import explanation_table


@click.command("explain")
@click.argument("user", type=click.IntRange(min=1))
@click.argument("post", type=click.IntRange(min=1))
@api_option
@json_option
def command(user: int, post: int, api: str | None, as_json: bool) -> None:
    """Say why a user sees a post, or does not.

    The rule that decides, the path by which the post is owed, and whether it is stored. A post
    outside the user's audience answers like one that does not exist.
    """
    body = get_json(api, f"/v1/users/{user}/explain/{post}")
    if as_json:
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        Console().print(explanation_table(body))
