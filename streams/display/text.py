"""Words of strangers and bare ids, made fit for a terminal."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Categories that move the cursor, turn the writing round or cannot be drawn."""
PALETTE: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")


def unnamed_user(user: str) -> str:
    """A user for whom there is no name."""
    return f"user {user}"


class DisplayContext(NamedTuple):
    """Who looks, and when: how users are called, and the day whose times need no date."""

    today: date
    name: Callable[[str], str] = unnamed_user

    def person(self, user: str) -> Text:
        """A user's name, in the same colour wherever it appears."""
        colour = PALETTE[int(user) % len(PALETTE)] if user.isdecimal() else "white"
        return Text(clean(self.name(user)), style=f"bold {colour}")

    def when(self, item: Mapping[str, Any]) -> Text:
        """A post's time to the minute, as the clock here shows it."""
        local = datetime.fromisoformat(str(item["created_at"])).astimezone()
        near = local.date() == self.today
        return Text(f"{local:%H:%M}" if near else f"{local:%d %b %Y}", style="dim")


def display_context(name: Callable[[str], str] = unnamed_user) -> DisplayContext:
    """A look at this moment."""
    return DisplayContext(datetime.now().astimezone().date(), name)


def clean(words: str) -> str:
    """Text that draws itself and does nothing else; line breaks become spaces."""
    spaced = " ".join(words.split())
    return "".join("�" if unicodedata.category(each) in HIDDEN else each for each in spaced)


def with_id(words: Text, item: Mapping[str, Any]) -> Table:
    """Words on the left, folded; the post's id on the right, whole, for the next command."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_row(words, clean(str(item["post_id"])))
    return table


def with_marks(words: Text, marks: list[str]) -> Text:
    """Words, and after them what sets this post apart."""
    for mark in marks:
        words.append(f"  {mark}", style="italic dim")
    return words
