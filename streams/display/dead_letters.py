"""Dead letters as a table, one in full, and their numbers."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from streams.dead_letters.search import FoundDeadLetter
from streams.dead_letters.stored import Failure, StoredDeadLetter, bounded_number
from streams.display.text import clean, format_time

KEY_CHARACTERS: Final = 24
VALUE_BYTES: Final = 4_096
"""Shown of a value: enough for a person to read, however large it is."""

Counts = Counter[tuple[str, str]]
"""Dead letters by the topic they came from and the reason."""


def dead_letter_table(found: Iterable[FoundDeadLetter]) -> Table:
    """Return a table with a line for each dead letter."""
    table = Table("dead letter", "written", "from", "field", "reason", "key", "", box=None)
    for dead_letter, resolution in found:
        last = dead_letter.failures()[-1]
        table.add_row(
            str(dead_letter.id),
            format_time(dead_letter.written_at),
            f"{clean(last.partition)}:{clean(last.offset)}",
            clean(last.field),
            Text(clean(last.reason), style="red"),
            _cut(dead_letter.key),
            Text(resolution or "", style="dim"),
        )
    return table


def count_table(counts: Counts) -> Table:
    """Return a table with a line for each topic and reason, the most frequent first."""
    table = Table("topic", "reason", "dead letters", box=None)
    for (topic, reason), number in counts.most_common():
        table.add_row(topic, clean(reason), f"{number:,}")
    return table


def dead_letter_details(dead_letter: StoredDeadLetter) -> Group:
    """Return where it came from, all its failures, its headers and the beginning of its value."""
    summary = Table.grid(padding=(0, 2))
    summary.add_row("dead letter", Text(str(dead_letter.id), style="bold"))
    summary.add_row("written", format_time(dead_letter.written_at))
    summary.add_row("key", _cut(dead_letter.key, VALUE_BYTES))
    if dead_letter.cut() is not None:
        summary.add_row("cut", Text(describe_cut(dead_letter), style="red"))
    for name, value in dead_letter.own_headers():
        summary.add_row(f"header {clean(name)}", _cut(value, VALUE_BYTES))
    failures = Table("failed at", "accepted", "field", "reason", "error", box=None)
    for each in dead_letter.failures():
        failures.add_row(*_failure_row(each))
    size = 0 if dead_letter.value is None else len(dead_letter.value)
    value_text = Text(_cut(dead_letter.value, VALUE_BYTES))
    return Group(summary, "", failures, "", f"value, {size:,} bytes:", value_text)


def describe_cut(dead_letter: StoredDeadLetter) -> str:
    """Return what a dead letter lacks, why it cannot be redriven, and where its message is."""
    cut, last = dead_letter.cut(), dead_letter.failures()[-1]
    if cut is None:
        return ""
    return clean(
        f"{dead_letter.id} holds only a part of its message ({cut.parts} cut), whose value had "
        f"{cut.value_bytes} bytes, SHA-256 {cut.value_sha256}: it cannot be redriven, but read "
        f"from {last.topic}, partition {last.partition}, offset {last.offset}, while that is kept"
    )


def dead_letter_json(found: FoundDeadLetter) -> Mapping[str, Any]:
    """Return what `list --json` prints of a dead letter."""
    dead_letter, resolution = found
    last = dead_letter.failures()[-1]
    return {
        "id": str(dead_letter.id),
        "topic": dead_letter.topic,
        "partition": bounded_number(last.partition),
        "offset": bounded_number(last.offset),
        "accepted_at": _accepted(last),
        "buried_at": format_time(dead_letter.written_at),
        "field": last.field,
        "reason": last.reason,
        "error": last.error,
        **_text_or_hex("key", dead_letter.key, None),
        "bytes": 0 if dead_letter.value is None else len(dead_letter.value),
        "burials": len(dead_letter.failures()),
        "settled": resolution,
    }


def dead_letter_details_json(found: FoundDeadLetter) -> Mapping[str, Any]:
    """Return what `show --json` prints of a dead letter."""
    dead_letter = found.dead_letter
    return {
        **dead_letter_json(found),
        "history": [each._asdict() for each in dead_letter.failures()],
        "original": None if (cut := dead_letter.cut()) is None else cut._asdict(),
        "headers": [
            {"name": name, **_text_or_hex("value", value, None)}
            for name, value in dead_letter.own_headers()
        ],
        **_text_or_hex("value", dead_letter.value, VALUE_BYTES),
        "cut": dead_letter.value is not None and len(dead_letter.value) > VALUE_BYTES,
    }


def _failure_row(failure: Failure) -> list[str]:
    place = f"{failure.topic}:{failure.partition}:{failure.offset}"
    is_plain = failure.message in {f"{failure.field}: {failure.reason}", "?"}
    error = failure.error if is_plain else f"{failure.error}: {failure.message}"
    cells = (place, _accepted(failure) or "?", failure.field, failure.reason, error)
    return [clean(each) for each in cells]


def _text_or_hex(name: str, value: bytes | None, most: int | None) -> dict[str, str | None]:
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


def _accepted(failure: Failure) -> str | None:
    accepted_at = bounded_number(failure.accepted_at)
    return None if accepted_at is None else format_time(accepted_at)
