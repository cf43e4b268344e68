"""Words of strangers and bare ids, made fit for a terminal."""

import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from rich.text import Text

Name: TypeAlias = Callable[[str], str]
"""How a user id is shown."""

HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Categories that move the cursor, turn the writing round or cannot be drawn."""
PALETTE: Final = ("cyan", "green", "magenta", "yellow", "blue", "red")


def by_id(user: str) -> str:
    """A user for whom there is no name."""
    return f"user {user}"


def clean(words: str) -> str:
    """Text that draws itself and does nothing else; line breaks become spaces."""
    spaced = " ".join(words.split())
    return "".join("�" if unicodedata.category(each) in HIDDEN else each for each in spaced)


def person(user: str, name: Name) -> Text:
    """A user's name, in the same colour wherever it appears."""
    colour = PALETTE[int(user) % len(PALETTE)] if user.isdecimal() else "white"
    return Text(clean(name(user)), style=f"bold {colour}")


def when(item: Mapping[str, Any]) -> Text:
    """A post's time, to the minute, as the clock here shows it."""
    local = datetime.fromisoformat(str(item["created_at"])).astimezone()
    return Text(f"{local:%d %b %H:%M}", style="dim")
