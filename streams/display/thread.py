"""A thread as a tree."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from streams.display.text import DisplayContext, clean, with_id, with_marks


def thread_tree(body: Mapping[str, Any], look: DisplayContext) -> Tree:
    """The posts of a thread, each below the one it answers; the post asked for is marked.

    They come flat with depths: ancestors negative, then preorder. Those without a place above
    them stand side by side.
    """
    top = Tree("", hide_root=True, guide_style="dim")
    line: list[tuple[int, Tree]] = []
    for item in body["items"]:
        depth = int(item["depth"])
        while line and line[-1][0] >= depth:
            line.pop()
        above = line[-1][1] if line else top
        line.append((depth, above.add(_label(item, look))))
    return top


def _label(item: Mapping[str, Any], look: DisplayContext) -> Table:
    words = Text("▶ " if int(item["depth"]) == 0 else "", style="bold")
    if item.get("placeholder"):
        words.append(f"({item['placeholder']})", style="italic dim")
    else:
        words.append_text(look.person(str(item["author_id"])))
        words.append(f"  {clean(item.get('text') or '')}  ", style="not bold")
        words.append_text(look.when(item))
    return with_id(with_marks(words, _marks(item)), item)


def _marks(item: Mapping[str, Any]) -> list[str]:
    marks = []
    if item.get("edited"):
        marks.append("edited")
    if item.get("truncated"):
        marks.append(f"{item['truncated']} more replies")
    if item.get("hidden"):
        marks.append(f"{item['hidden']} hidden")
    return marks
