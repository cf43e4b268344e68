"""Shows a thread as a tree."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from streams.display.text import DisplayContext, clean, quote_mark, with_id, with_marks


def thread_page(body: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    """Return a page of a thread, and how to read on."""
    tree = thread_tree(body, context)
    if not body.get("next"):
        return tree
    return Group(tree, Text(f"more replies: --before {clean(body['next'])}", style="dim"))


def thread_tree(body: Mapping[str, Any], context: DisplayContext) -> Tree:
    """Return the posts of a thread, each below its parent; the requested post is marked.

    The API lists them flat with depths: ancestors negative, then preorder. Posts without an
    ancestor in the list stand side by side.
    """
    top = Tree("", hide_root=True, guide_style="dim")
    path: list[tuple[int, Tree]] = []
    for item in body["items"]:
        depth = int(item["depth"])
        while path and path[-1][0] >= depth:
            path.pop()
        parent = path[-1][1] if path else top
        path.append((depth, parent.add(_label(item, context))))
    return top


def _label(item: Mapping[str, Any], context: DisplayContext) -> Table:
    words = Text("▶ " if int(item["depth"]) == 0 else "", style="bold")
    if item.get("placeholder"):
        words.append(f"({item['placeholder']})", style="italic dim")
    else:
        words.append_text(context.user_name(str(item["author_id"])))
        words.append(f"  {clean(item.get('text') or '')}  ", style="not bold")
        words.append_text(context.post_time(item))
    return with_id(with_marks(words, _marks(item, context)), item)


def _marks(item: Mapping[str, Any], context: DisplayContext) -> list[str]:
    marks = []
    if quoted := quote_mark(item, context):
        marks.append(quoted)
    if item.get("edited"):
        marks.append("edited")
    if item.get("truncated"):
        marks.append(f"{item['truncated']} more replies")
    if item.get("hidden"):
        marks.append(f"{item['hidden']} hidden")
    return marks
