"""Shows signal as a list, with why each post stands where it does."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.display.text import DisplayContext, clean, with_id


def signal_list(body: Mapping[str, Any], context: DisplayContext) -> RenderableType:
    """Return the posts of a page in their order, each with what moved it, and how to go on."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for item in body["items"]:
        words = with_id(Text(clean(item.get("text") or "")), item)
        table.add_row(context.post_time(item), context.user_name(str(item["author_id"])), words)
        table.add_row("", "", _why(item))
    remarks = []
    if not body["items"]:
        remarks.append(Text("nothing here", style="dim"))
    if body.get("state") == "building":
        remarks.append(Text("this timeline is being built; more posts will follow", style="yellow"))
    if body.get("next"):
        remarks.append(Text(f"further: --before {clean(body['next'])}", style="dim"))
    return Group(table, *remarks) if body["items"] else Group(*remarks)


def moved_by(reasons: Iterable[Mapping[str, Any]]) -> Text:
    """Return what raises a post (+) and what lowers it (-), most first."""
    moved = Text()
    for each in reasons:
        raises = float(each["share"]) > 0
        sign, style = ("+", "green") if raises else ("−", "red")  # noqa: RUF001 - a minus sign
        moved.append(f"{sign} {clean(each['words'])}  ", style=style)
    return moved


def _why(item: Mapping[str, Any]) -> Text:
    why = moved_by(item["because"])
    if item["score"] is None:
        why.append("older than what is ordered, newest first", style="dim")
    if item["folded"]:
        why.append(f"stands for {item['folded']} more like it", style="yellow")
    return why
