"""`mingle thread`: the conversation around a post, asked of the API."""

import json

import click
from rich.console import Console

from streams.cli.api_client import api_option, get_json, json_option
from streams.display.text import display_context
from streams.display.thread import thread_tree


@click.command("thread")
@click.argument("post", type=click.IntRange(min=1))
@click.option("--viewer", type=click.IntRange(min=1), help="Who reads; nobody sees public posts.")
@click.option("--sort", type=click.Choice(["conversation", "oldest", "newest"]), help="Order.")
@click.option("--depth", type=int, help="Levels below the post.")
@click.option("--branches", type=int, help="Replies shown per post, below the first level.")
@api_option
@json_option
def command(post: int, api: str | None, as_json: bool, **parameters: str | int | None) -> None:
    """Read the thread of a post.

    The line above it up to the root, then what was answered. Without a viewer only public
    posts are shown.
    """
    body = get_json(api, f"/v1/posts/{post}/thread", **parameters)
    if as_json:
        click.echo(json.dumps(body, ensure_ascii=False))
    else:
        Console().print(thread_tree(body, display_context()))
