"""Command line options that describe a replay's plan."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from streams.cli.dead_letter_options import Instant
from streams.replay.plan import FACTS, Plan, PlanRefused, parse_plan
from streams.replay.planner import PlanRequest, RequestedPart
from streams.replay.selection import Selection


class PartType(click.ParamType):
    """`posts:3`, `posts:3:100-500`."""

    name = "part"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> RequestedPart:
        topic, _, rest = str(value).partition(":")
        number, _, offsets = rest.partition(":")
        first, _, end = offsets.partition("-")
        if topic not in FACTS or not number.isdecimal():
            self.fail(f"{value!r} is not TOPIC:PARTITION or TOPIC:PARTITION:FIRST-END", param, ctx)
        if not all(each.isdecimal() or not each for each in (first, end)):
            self.fail(f"{value!r}: offsets are numbers, the end excluded", param, ctx)
        return RequestedPart(
            topic, int(number), int(first) if first else None, int(end) if end else None
        )  # fmt: skip


class PlanFile(click.ParamType):
    """A file that `mingle replay plan` wrote."""

    name = "plan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Plan:
        try:
            return parse_plan(Path(value).read_bytes())
        except OSError as error:
            self.fail(f"{value}: {error.strerror}", param, ctx)
        except PlanRefused as error:
            self.fail(f"{value}: {error}", param, ctx)


plan_argument: Final = click.argument("plan", type=PlanFile(), metavar="PLAN")


def plan_request_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add topics, parts, times and selections, passed on as one `request`."""

    @wraps(function)
    def command(  # noqa: PLR0913 - one for each option
        *,
        topics: tuple[str, ...],
        parts: tuple[RequestedPart, ...],
        since: int | None,
        until: int | None,
        author: int | None,
        user: int | None,
        conversation: int | None,
        dead_letters: bool,
        **others: Any,
    ) -> None:
        if sum(each is not None for each in (author, user, conversation)) > 1:
            raise click.UsageError("--author, --user, --conversation: expected at most one of them")
        if topics and parts:
            raise click.UsageError("--part: expected none beside --topic; a part names its topic")
        choice = Selection(author=author, user=user, conversation=conversation)
        function(request=PlanRequest(topics, parts, since, until, choice, dead_letters), **others)

    an_id = click.IntRange(min=1)
    options = (
        click.option("--topic", "topics", multiple=True, type=click.Choice(FACTS),
                     help="Only from this topic; repeatable. All four by default."),
        click.option("--part", "parts", multiple=True, type=PartType(), metavar="TOPIC:N[:A-B]",
                     help="Only offsets A to B of this partition, B excluded; repeatable."),
        click.option("--since", type=Instant(), help="Accepted then or later (ISO 8601, UTC)."),
        click.option("--until", type=Instant(), help="Accepted before."),
        click.option("--author", type=an_id, help="Only what this user wrote."),
        click.option("--user", type=an_id, help="Only what is by or about this user."),
        click.option("--conversation", type=an_id, metavar="POST",
                     help="Only the conversation that this post is part of."),
        click.option("--dead-letters", is_flag=True,
                     help="From the dead letters of these topics instead."),
    )  # fmt: skip
    decorated: Callable[..., None] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated
