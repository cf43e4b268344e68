"""`mingle search`: searches public posts through the API."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.text import display_context
from streams.display.timeline import timeline_list

AN_ID = click.IntRange(min=1)


@click.command("search")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--author", type=AN_ID, help="Only posts by this user.")
@click.option("--tag", help="Only posts with this tag.")
@click.option("--since", metavar="TIME", help="Only posts of then or later (RFC 3339).")
@click.option("--until", metavar="TIME", help="Only posts of before then.")
@click.option("--conversation", type=AN_ID, metavar="ROOT", help="Only posts below this root.")
@click.option("--viewer", type=AN_ID, help="Who asks; without, what anybody is shown.")
@click.option("--limit", type=click.IntRange(1, 100), help="Number of posts.")
@click.option("--before", metavar="CURSOR", help="Posts older than this cursor.")
@api_option
@json_option
def command(
    words: tuple[str, ...], api: str | None, as_json: bool, **parameters: str | int | None
) -> None:
    """Search public posts.

    All the words, and whatever else is given, must match; newest posts first.
    """
    body = get_json(api, "/v1/search", q=" ".join(words) or None, **parameters)
    print_answer(body, timeline_list(body, display_context()), as_json=as_json)
