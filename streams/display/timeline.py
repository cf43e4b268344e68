"""A home timeline as a list."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.display.text import Name, by_id, clean, person, when


def timeline(body: Mapping[str, Any], name: Name = by_id) -> RenderableType:
    """A page: a line for each post, newest first, and what is to know of the page itself."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for item in body["items"]:
        table.add_row(when(item), person(str(item["author_id"]), name), _words(item, name))
    return Group(table, *_remarks(body))


def _words(item: Mapping[str, Any], name: Name) -> Text:
    words = Text(clean(item.get("text") or ""))
    for mark in _marks(item, name):
        words.append("  ").append(mark, style="dim italic")
    return words


def _marks(item: Mapping[str, Any], name: Name) -> list[str]:
    """What distinguishes this post from a plain one."""
    marks = [f"post {item['post_id']}"]
    if item.get("parent_id"):
        marks.append(f"answers {item['parent_id']}")
    if item.get("repost"):
        by = ", ".join(name(str(user)) for user in item["repost"]["by"])
        marks.append(f"reposted by {clean(by)}")
    if item.get("edited"):
        marks.append("edited")
    if item.get("visibility", "public") != "public":
        marks.append(item["visibility"])
    if item.get("warn"):
        marks.append(f"warning: {clean(str(item['warn']))}")
    return marks


def _remarks(body: Mapping[str, Any]) -> list[Text]:
    remarks = []
    if not body["items"]:
        remarks.append(Text("nothing here", style="dim"))
    if body.get("state") == "building":
        remarks.append(Text("this timeline is being built; more will come", style="yellow"))
    if body.get("next"):
        remarks.append(Text(f"older: --before {clean(body['next'])}", style="dim"))
    return remarks
