"""`mingle explain`: asks the API why a user sees a post, or does not."""

import click

from streams.cli.api_client import api_option, get_json, print_answer
from streams.cli.output import json_option
from streams.display.explanation import explanation_table


@click.command("explain")
@click.argument("user", type=click.IntRange(min=1))
@click.argument("post", type=click.IntRange(min=1))
@click.option("--view", type=click.Choice(("latest", "signal")), default="latest",
              show_default=True, help="With signal: also what moves the post there.")  # fmt: skip
@api_option
@json_option
def command(user: int, post: int, view: str, api: str | None, as_json: bool) -> None:
    """Explain why a user sees a post, or does not.

    Prints the rule that decides, its reason, the path on which the post reaches the user's home,
    and whether it is stored there. docs/rules.md has the rules by their numbers. A post that the
    user may not see answers like one that does not exist.
    """
    asked = {} if view == "latest" else {"view": view}
    body = get_json(api, f"/v1/users/{user}/explain/{post}", **asked)
    print_answer(body, explanation_table(body), as_json=as_json)
