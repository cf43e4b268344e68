"""Server-sent events on the wire (WHATWG HTML, 9.2): a field a line, then a blank line."""

from typing import Final, Literal, TypeAlias

import msgspec

EVENT_STREAM: Final = "text/event-stream"

EventName: TypeAlias = Literal["entry", "edit", "removal", "change", "heartbeat", "end"]


def encode_event(name: EventName, data: object, last_id: str | None = None) -> bytes:
    """Return an event; a client sends `last_id` to continue after it."""
    id_line = b"" if last_id is None else b"id: " + last_id.encode() + b"\n"
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), id_line, msgspec.json.encode(data))


def encode_retry(milliseconds: int) -> bytes:
    """Return the field that tells a client how long to wait before it reconnects."""
    return b"retry: %d\n\n" % milliseconds
