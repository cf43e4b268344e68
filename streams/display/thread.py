"""A thread as a tree."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from streams.display.text import Name, by_id, clean, person, when


def thread(body: Mapping[str, Any], name: Name = by_id) -> Tree:
    """The posts of a thread, each below the one it answers; the post asked for is marked.

    They come flat with depths: ancestors negative, then preorder. Ancestors without a place
    above them hang from an unseen top.
    """
    top = Tree("", hide_root=True, guide_style="dim")
    line: list[tuple[int, Tree]] = []
    for item in body["items"]:
        depth = int(item["depth"])
        while line and line[-1][0] >= depth:
            line.pop()
        above = line[-1][1] if line else top
        line.append((depth, above.add(_label(item, name))))
    return top


def _label(item: Mapping[str, Any], name: Name) -> Text:
    if item.get("placeholder"):
        label = Text(f"({item['placeholder']})", style="dim italic")
    else:
        label = Text.assemble(
            person(str(item["author_id"]), name), "  ", clean(item.get("text") or "")
        )
        label.append("  ").append_text(when(item))
    if int(item["depth"]) == 0:
        label.append("  ◀", style="bold")
    for mark in _marks(item):
        label.append(f"  {mark}", style="dim italic")
    return label


def _marks(item: Mapping[str, Any]) -> list[str]:
    marks = [f"post {item['post_id']}"]
    if item.get("edited"):
        marks.append("edited")
    if item.get("truncated"):
        marks.append(f"{item['truncated']} more replies")
    if item.get("hidden"):
        marks.append(f"{item['hidden']} hidden")
    return marks
