"""Shows what is new in a home."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from streams.display.text import DisplayContext, clean
from streams.display.timeline import timeline_list


def news_list(body: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    """Return conversations with their new posts, authors with a count, and how far it reaches."""
    since = context.post_time({"created_at": body["since"]})
    head = Text.assemble("what happened since ", since)
    lines = [_line(line, context) for line in body["items"]] or [Text("nothing", style="dim")]
    return Group(head, *lines, *_remarks(body))


def _line(line: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    if line["kind"] == "broadcasts":
        count = int(line["count"])
        said = f" broadcast {count} {'post' if count == 1 else 'posts'}"
        return Text.assemble(context.user_name(str(line["author_id"])), said)
    names = [context.user_name(str(each)) for each in line["participants"]]
    head = Text.assemble(Text(", ").join(names), Text(f"  #{clean(line['root_id'])}", style="dim"))
    posts = timeline_list({"items": line["posts"]}, context)
    return Group(head, Padding(posts, (0, 0, 0, 2)))


def _remarks(body: Mapping[str, Any]) -> list[Text]:
    remarks = []
    if folded := int(body["folded"]):
        posts = "post is" if folded == 1 else "posts are"
        remarks.append(Text(f"{folded} more {posts} not shown here", style="dim"))
    if body["more"]:
        remarks.append(Text("there were more, older than these", style="dim"))
    if body["state"] == "building":
        remarks.append(Text("this timeline is being built; more posts will follow", style="yellow"))
    return remarks
