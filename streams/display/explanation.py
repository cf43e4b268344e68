"""Shows why a user sees a post, or does not."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from streams.display.text import clean


def explanation_table(body: Mapping[str, Any]) -> Table:
    """Return the verdict, the rule that decided, and the path on which the post is delivered."""
    table = Table.grid(padding=(0, 2))
    shown = bool(body["shown"])
    table.add_row("verdict", Text("shown", "bold green") if shown else Text("hidden", "bold red"))
    for field in ("rule", "reason", "path", "stored"):
        if body.get(field) is not None:
            table.add_row(field, Text(_plain(body[field])))
    return table


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_plain(held)}" for name, held in value.items())
    return clean(str(value))
