"""Makes text of strangers, ids and times fit for a terminal."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from rich.table import Table
from rich.text import Text

UNSAFE: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Unicode categories that move the cursor, change the writing direction or cannot be drawn."""
PALETTE: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")


def unnamed_user(user: str) -> str:
    """Return what to call a user without a name."""
    return f"user {user}"


class DisplayContext(NamedTuple):
    """Today, whose times are shown without a date, and how users are named."""

    today: date
    name: Callable[[str], str] = unnamed_user

    def user_name(self, user: str) -> Text:
        """Return a user's name, always in the same colour."""
        colour = PALETTE[int(user) % len(PALETTE)] if user.isdecimal() else "white"
        return Text(clean(self.name(user)), style=f"bold {colour}")

    def post_time(self, item: Mapping[str, Any]) -> Text:
        """Return a post's local time: today to the minute, before that the date."""
        local = datetime.fromisoformat(str(item["created_at"])).astimezone()
        is_today = local.date() == self.today
        return Text(f"{local:%H:%M}" if is_today else f"{local:%d %b %Y}", style="dim")


def display_context(name: Callable[[str], str] = unnamed_user) -> DisplayContext:
    """Return the context of this moment."""
    return DisplayContext(datetime.now().astimezone().date(), name)


def format_time(milliseconds: int) -> str:
    """Return a time since the Unix epoch in ISO 8601; past the year 9999 the number itself."""
    try:
        time = datetime.fromtimestamp(milliseconds / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds} ms"
    return time.isoformat(timespec="milliseconds")


def clean(words: str) -> str:
    """Return text without control characters; line breaks become spaces."""
    spaced = " ".join(words.split())
    return "".join("�" if unicodedata.category(each) in UNSAFE else each for each in spaced)


def quote_mark(item: Mapping[str, Any], context: DisplayContext) -> str | None:
    """Return what a post quotes, in a line, or what stands for it."""
    quote = item.get("quote")
    if not quote:
        return None
    quoted = quote["item"]
    if quoted is None:
        return f"quotes a post ({quote['placeholder'] or clean(quote['post_id'])})"
    return f"quotes {clean(context.name(quoted['author_id']))}: {clean(quoted['text'])}"


def with_id(words: Text, item: Mapping[str, Any]) -> Table:
    """Return words on the left, folded, and the post's whole id on the right."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_row(words, clean(str(item["post_id"])))
    return table


def with_marks(words: Text, marks: list[str]) -> Text:
    """Append marks such as `edited` to the words, and return them."""
    for mark in marks:
        words.append(f"  {mark}", style="italic dim")
    return words
