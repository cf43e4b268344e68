"""`mingle inbox`: reads what waits for a user's answer, who speaks to them, and where they talk."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.inbox import inbox_view
from streams.display.text import display_context

LISTINGS = ("unanswered", "mentions", "conversations")


@click.command("inbox")
@click.argument("user", type=click.IntRange(min=1))
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True,
              help="Number of entries in each part.")  # fmt: skip
@api_option
@json_option
def command(user: int, api: str | None, as_json: bool, limit: int) -> None:
    """Read who waits for a user's answer and what is new.

    First what waits for an answer, then what speaks to them, then the conversations that they take
    part in, the latest active first, with how many posts are new in each.
    """
    body = {each: get_json(api, f"/v1/users/{user}/{each}", limit=limit) for each in LISTINGS}
    print_answer(body, inbox_view(body, display_context()), as_json=as_json)
