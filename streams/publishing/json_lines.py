r"""JSON Lines: one message a line, with its topic.

    {"topic": "follows", "type": "follow.created", "version": …, "follower_id": 1, …}
    {"topic": "follows", "key": "1", "value": {"type": "follow.created", …}}
    {"topic": "posts", "key": "7", "raw": "no JSON at all"}

The first two mean the same; a missing key is made from the value, and a message that fits no
schema is refused here. `raw` is sent as it is, so that a message that must be refused downstream
can be sent on purpose: null is no value, lone surrogates \udc80 to \udcff are the bytes 80 to ff.
"""

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from schemas import topics
from schemas.codec import decode, key_for
from schemas.errors import SchemaViolation
from streams.outbox import Outgoing


class NotAMessage(ValueError):
    """A line that cannot be published; the message says why."""


def parse_line(line: bytes, now_ms: int, epoch: int) -> Outgoing:
    """Return the message of one line, checked as of now. Raises NotAMessage."""
    fields = _parse(line)
    topic = _topic(fields)
    key = _key(fields)
    if "raw" in fields:
        return Outgoing(topic, key, _raw(fields["raw"]))
    content = _value(fields)
    try:
        key = key or key_for(str(content.get("type")), content)
        value = msgspec.json.encode(content)
        decode(topic, key, value, now_ms, epoch)
    except SchemaViolation as violation:
        raise NotAMessage(str(violation)) from violation
    except (ValueError, OverflowError, RecursionError) as error:  # half an emoji, huge numbers
        raise NotAMessage(f"not encodable as JSON ({error})") from error
    return Outgoing(topic, key, value)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotAMessage(f"not JSON ({error})") from error
    if not isinstance(fields, dict):
        raise NotAMessage("a line holds one JSON object")
    return fields


def _topic(fields: Mapping[str, Any]) -> str:
    topic = fields.get("topic")
    if topic is None:
        raise NotAMessage("topic: missing")
    if not isinstance(topic, str) or topic not in topics.load_topics():
        raise NotAMessage(f"topic: expected one of {', '.join(topics.load_topics())}")
    return topic


def _key(fields: Mapping[str, Any]) -> bytes | None:
    match fields.get("key"):
        case None:
            return None
        case str() | int() as key:
            return _raw(str(key))
    raise NotAMessage("key: expected a string")


def _raw(text: object) -> bytes | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise NotAMessage("raw: expected a string or null")
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise NotAMessage(f"raw: {error.reason}") from error


def _value(fields: Mapping[str, Any]) -> dict[str, Any]:
    if "value" not in fields:
        return {name: value for name, value in fields.items() if name not in {"topic", "key"}}
    value = fields["value"]
    if not isinstance(value, dict):
        raise NotAMessage("value: expected an object; use raw for anything else")
    return value
