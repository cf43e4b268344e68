"""Events as they are written to a stream (WHATWG HTML, 9.2): UTF-8, fields by line, one blank."""

from typing import Final, Literal, TypeAlias

import msgspec

EVENT_STREAM: Final = "text/event-stream"

EventName: TypeAlias = Literal["entry", "edit", "removal", "change", "heartbeat", "end"]


def encode_event(name: EventName, data: object, last_id: str | None = None) -> bytes:
    """An event; `last_id` is what its reader sends to go on behind it."""
    kept = b"" if last_id is None else b"id: " + last_id.encode() + b"\n"
    return b"event: %b\n%bdata: %b\n\n" % (name.encode(), kept, msgspec.json.encode(data))


def encode_retry(milliseconds: int) -> bytes:
    """After how long a reader that lost the stream is to come back."""
    return b"retry: %d\n\n" % milliseconds
