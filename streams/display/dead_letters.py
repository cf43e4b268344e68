"""Many dead letters as a table, one with all that is known of it, and their numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from streams.dead_letters.search import FoundDeadLetter
from streams.dead_letters.stored import Failure, StoredDeadLetter
from streams.display.text import clean

KEY_CHARACTERS: Final = 24
VALUE_BYTES: Final = 4_096
"""Of a value that are shown: enough for what a person reads, whatever somebody has sent."""

Counts = Counter[tuple[str, str]]
"""Letters by the topic they came from and the reason."""


def dead_letter_table(found: Iterable[FoundDeadLetter]) -> Table:
    """A line a letter."""
    table = Table("letter", "buried", "from", "field", "reason", "key", "", box=None)
    for letter, how in found:
        last = letter.burials()[-1]
        table.add_row(
            str(letter.id),
            _time(letter.buried_at),
            f"{clean(last.partition)}:{clean(last.offset)}",
            clean(last.field),
            Text(clean(last.reason), style="red"),
            _cut(letter.key),
            Text(how or "", style="dim"),
        )
    return table


def count_table(counts: Counts) -> Table:
    """A line for each topic and reason, most letters first."""
    table = Table("topic", "reason", "letters", box=None)
    for (topic, reason), number in counts.most_common():
        table.add_row(topic, clean(reason), f"{number:,}")
    return table


def letter_in_full(letter: StoredDeadLetter) -> Group:
    """Where from and why, now and earlier; its headers and the beginning of its value."""
    place = Table.grid(padding=(0, 2))
    place.add_row("letter", Text(str(letter.id), style="bold"))
    place.add_row("buried", _time(letter.buried_at))
    place.add_row("key", _cut(letter.key, VALUE_BYTES))
    for name, value in letter.own_headers():
        place.add_row(f"header {clean(name)}", _cut(value, VALUE_BYTES))
    burials = Table("buried as", "accepted", "field", "reason", "error", box=None)
    for each in letter.burials():
        burials.add_row(*_row(each))
    size = 0 if letter.value is None else len(letter.value)
    return Group(
        place, "", burials, "", f"value, {size:,} bytes:", Text(_cut(letter.value, VALUE_BYTES))
    )


def for_machines(found: FoundDeadLetter) -> Mapping[str, Any]:
    """What `--json` prints of a letter in a list."""
    letter, how = found
    last = letter.burials()[-1]
    return {
        "id": str(letter.id),
        "topic": letter.topic,
        "partition": _number(last.partition),
        "offset": _number(last.offset),
        "accepted_at": _accepted(last),
        "buried_at": _time(letter.buried_at),
        "field": last.field,
        "reason": last.reason,
        "error": last.error,
        **_said("key", letter.key, None),
        "bytes": 0 if letter.value is None else len(letter.value),
        "burials": len(letter.burials()),
        "settled": how,
    }


def all_for_machines(found: FoundDeadLetter) -> Mapping[str, Any]:
    """What `--json` prints of a letter that is shown."""
    letter = found.letter
    return {
        **for_machines(found),
        "history": [each._asdict() for each in letter.burials()],
        "headers": [
            {"name": n, **_said("value", value, None)} for n, value in letter.own_headers()
        ],
        **_said("value", letter.value, VALUE_BYTES),
        "cut": letter.value is not None and len(letter.value) > VALUE_BYTES,
    }


def _row(burial: Failure) -> list[str]:
    place = f"{burial.topic}:{burial.partition}:{burial.offset}"
    said = (place, _accepted(burial) or "?", burial.field, burial.reason, burial.error)
    return [clean(each) for each in said]


def _said(name: str, value: bytes | None, most: int | None) -> dict[str, str | None]:
    """As text where it is text, else in hex under a name that says so."""
    if value is None:
        return {name: None}
    text = _text(value, most)
    return {f"{name}_hex": value[:most].hex()} if text is None else {name: text}


def _text(value: bytes, most: int | None = None) -> str | None:
    """None where it is not UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return None
    return value[:most].decode(errors="ignore")  # a cut may go through a character


def _cut(value: bytes | None, most: int = KEY_CHARACTERS) -> str:
    if value is None:
        return "none"
    text = _text(value, most)
    shown = f"0x{value[:most].hex()}" if text is None else clean(text)
    return shown if len(value) <= most else f"{shown}…"


def _accepted(burial: Failure) -> str | None:
    return _time(int(burial.accepted_at)) if burial.accepted_at.isdecimal() else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="milliseconds")
