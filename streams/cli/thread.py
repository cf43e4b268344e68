"""`mingle thread`: reads the conversation around a post from the API."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.text import display_context
from streams.display.thread import thread_page


@click.command("thread")
@click.argument("post", type=click.IntRange(min=1))
@click.option(
    "--viewer", type=click.IntRange(min=1), help="The user who reads; public posts without one."
)
@click.option(
    "--sort", type=click.Choice(["conversation", "oldest", "newest"]), help="Order of replies."
)
@click.option("--depth", type=int, help="Levels below the post.")
@click.option("--branches", type=int, help="Replies shown per post, below the first level.")
@click.option("--limit", type=click.IntRange(1, 400), help="Direct replies on a page.")
@click.option("--before", metavar="CURSOR", help="Replies behind this cursor.")
@click.option("--all", "whole", is_flag=True, help="All pages of the thread, one after the other.")
@api_option
@json_option
def command(
    post: int, api: str | None, as_json: bool, whole: bool, **parameters: str | int | None
) -> None:
    """Read the thread of a post.

    Shows the ancestors of the post, the post itself and its replies. A page prints the cursor that
    leads to more replies. Without a viewer only public posts are shown.
    """
    path = f"/v1/posts/{post}/thread"
    body = get_json(api, path, **parameters)
    while whole and body.get("next") is not None:
        page = get_json(api, path, **parameters | {"before": body["next"]})
        body = {"items": body["items"] + page["items"], "next": page["next"]}
    print_answer(body, thread_page(body, display_context()), as_json=as_json)
