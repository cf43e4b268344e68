"""Shows an inbox: what waits for an answer, what speaks to its owner, and their conversations."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.readers.conversations import MAX_COUNTED
from services.readers.paging import MAX_UNREAD
from streams.display.text import DisplayContext, clean
from streams.display.timeline import timeline_list

NAMES_SHOWN = 3
"""Participants of a conversation who are named; of the others their number is said."""


def inbox_view(body: Mapping[str, Mapping[str, Any]], context: DisplayContext) -> RenderableType:
    """Return the three listings of an inbox, each below its heading."""
    waiting, mentions, talks = body["unanswered"], body["mentions"], body["conversations"]
    sections = (
        ("waiting for an answer", waiting, timeline_list({"items": waiting["items"]}, context)),
        ("mentions", mentions, timeline_list({"items": mentions["items"]}, context)),
        ("conversations", talks, _conversations(talks, context)),
    )
    return Group(*(each for section in sections for each in _section(*section)))


def _section(
    heading: str, body: Mapping[str, Any], view: RenderableType
) -> Iterator[RenderableType]:
    yield Text(heading, style="bold")
    yield Padding(view, (0, 0, 0, 2))
    if body["next"]:
        yield Text("  there are more: --limit gives up to 100", style="dim")


def _conversations(body: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    if not body["items"]:
        return Text("nothing here", style="dim")
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(ratio=1)
    for item in body["items"]:
        time = context.post_time({"created_at": item["last_activity_at"]})
        table.add_row(time, _new(int(item["new"])), _participants(item, context))
    return table


def _new(count: int) -> Text:
    if not count:
        return Text("read", style="dim")
    return Text(f"{count}{'+' * (count == MAX_UNREAD)} new", style="bold")


def _participants(item: Mapping[str, Any], context: DisplayContext) -> Text:
    names = [context.user_name(str(each)) for each in item["participants"][:NAMES_SHOWN]]
    count = int(item["participant_count"])
    line = Text(", ").join(names)
    if count > len(names):
        more = f" and {count - len(names)}{'+' * (count == MAX_COUNTED)} more"
        line.append(more)
    return line.append(f"  #{clean(item['root_id'])}", style="dim")
