"""`mingle catch-up`: reads from the API what happened in a home since its owner looked."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.catch_up import news_list
from streams.display.text import display_context


@click.command("catch-up")
@click.argument("user", type=click.IntRange(min=1))
@click.option(
    "--since",
    metavar="TIME",
    help="From this time on (RFC 3339) [default: the read mark of the user's home].",
)
@api_option
@json_option
def command(user: int, api: str | None, as_json: bool, since: str | None) -> None:
    """Sum up what happened in a user's home.

    Conversations first, with some of their new posts; then one line for each author who mostly
    broadcasts.
    """
    body = get_json(api, f"/v1/users/{user}/catch-up", since=since)
    print_answer(body, news_list(body, display_context()), as_json=as_json)
