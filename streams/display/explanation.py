"""Shows why a user sees a post, or does not."""

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from streams.display.signal import moved_by
from streams.display.text import clean

FIELDS: Final = (("rule", "sentence"), ("reason", "detail"), ("path",), ("stored",))
"""What each line shows; an API of an earlier version has no sentences."""


def explanation_table(body: Mapping[str, Any]) -> Table:
    """Return the verdict, the rule that decided, its reason, and how the post is delivered.

    Of signal it shows what moves the post there, if the answer says so.
    """
    table = Table.grid(padding=(0, 2))
    shown = bool(body["shown"])
    table.add_row("verdict", Text("shown", "bold green") if shown else Text("hidden", "bold red"))
    for fields in FIELDS:
        given = [_plain(body[each]) for each in fields if body.get(each) is not None]
        if given:
            table.add_row(fields[0], Text(": ".join(given)))
    if "because" in body:
        table.add_row("signal", moved_by(body["because"]) or Text("not ordered", style="dim"))
    return table


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(held)}" for name, held in value.items())
    return clean(str(value))
