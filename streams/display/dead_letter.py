"""A dead letter: where it came from, why it failed, and what it holds."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from streams.display.text import clean

SHOWN: Final = 200
"""Characters of a value; it may be as large as a topic accepts."""


def dead_letter_panel(headers: Mapping[str, bytes], value: bytes | None) -> Table:
    """Return its position, field and reason from its headers, and the beginning of its value."""
    texts = {name: clean(held.decode(errors="replace")) for name, held in headers.items()}
    place = [
        texts.get(f"__connect.errors.{part}", "?") for part in ("topic", "partition", "offset")
    ]
    table = Table.grid(padding=(0, 2))
    table.add_row("topic", Text(place[0]))
    table.add_row("place", Text(f"partition {place[1]}, offset {place[2]}"))
    table.add_row("field", Text(texts.get("mingle.field", "?"), style="bold"))
    table.add_row("reason", Text(texts.get("mingle.reason", "?"), style="bold red"))
    table.add_row("value", Text(_beginning(value), style="dim"))
    return table


def _beginning(value: bytes | None) -> str:
    if value is None:
        return "none"
    text = clean(value.decode(errors="replace"))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
