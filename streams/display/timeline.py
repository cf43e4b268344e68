"""Shows a home timeline as a list."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from services.readers.paging import MAX_UNREAD
from streams.display.text import DisplayContext, clean, quote_mark, with_id, with_marks


def timeline_list(body: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    """Return a line for each post of a page, newest first, and remarks on the page itself."""
    authors = {item["post_id"]: str(item["author_id"]) for item in body["items"]}
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for item in body["items"]:
        words = with_marks(Text(clean(item.get("text") or "")), _marks(item, authors, context))
        table.add_row(
            context.post_time(item), context.user_name(str(item["author_id"])), with_id(words, item)
        )
    return Group(table, *_remarks(body)) if body["items"] else Group(*_remarks(body))


def _marks(
    item: Mapping[str, Any], authors: Mapping[str, str], context: DisplayContext
) -> list[str]:
    marks = []
    if item.get("parent_id"):
        parent_author = authors.get(item["parent_id"])
        marks.append(
            f"answers {clean(context.name(parent_author))}" if parent_author else "an answer"
        )
    if item.get("repost"):
        by = ", ".join(context.name(str(user)) for user in item["repost"]["by"])
        marks.append(f"reposted by {clean(by)}")
    if quoted := quote_mark(item, context):
        marks.append(quoted)
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
        remarks.append(Text("this timeline is being built; more posts will follow", style="yellow"))
    if body.get("unread"):
        remarks.append(Text(_unread(int(body["unread"])), style="dim"))
    if body.get("gap"):
        cursor = clean(body["gap"]["cursor"])
        remarks.append(Text(f"more in between: --before {cursor}, same --newer-than", style="dim"))
    if body.get("next"):
        remarks.append(Text(f"older: --before {clean(body['next'])}", style="dim"))
    return remarks


def _unread(count: int) -> str:
    posts = "post is" if count == 1 else "posts are"
    return f"{'at least ' * (count >= MAX_UNREAD)}{count} {posts} newer than the read mark"
