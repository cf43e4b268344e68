"""Decodes and encodes messages. Only this module raises SchemaViolation."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias, get_args

import msgspec

from schemas import events, requests, snapshots
from schemas.errors import SchemaViolation, ViolationReason
from schemas.events import FollowFact, PostFact
from schemas.ids import DAY_MS, DEFAULT_EPOCH, MAX_ID, post_time
from schemas.relations import BlockCreated, MuteCreated, ReadMarked, RelationFact
from schemas.requests import Request
from schemas.snapshots import FOLLOW_EDGES, EdgesWritten

Message: TypeAlias = PostFact | FollowFact | RelationFact | Request | EdgesWritten

MAX_MESSAGE = 65_536
"""Bytes: twice what 10,000 code points of text need."""
_SKEW_MS = DAY_MS
"""How far a version may be ahead of its record, and from its post's time (rule 9)."""


KeyRule: TypeAlias = Callable[[Callable[[str], Any]], bytes]
"""Returns a message's key, given its field reader. Raises SchemaViolation if it has none."""


class Encoded(NamedTuple):
    """The record of a message."""

    topic: str
    key: bytes
    value: bytes


class MessageKind(NamedTuple):
    """The topic, struct and key of a message type."""

    topic: str
    struct: type[Any]
    key: KeyRule


def first_of(*fields: str) -> KeyRule:
    """Return the rule whose key is the first of these fields that is present."""

    def key(get: Callable[[str], Any]) -> bytes:
        for name in fields:
            if get(name) is not None:
                return str(get(name)).encode()
        raise SchemaViolation(fields[-1], "missing")

    return key


def _page_key(get: Callable[[str], Any]) -> bytes:
    """Spread the pages of a large author over the partitions."""
    return f"{get('author_id')}:{get('slot_from')}".encode()


def _edge_key(get: Callable[[str], Any]) -> bytes:
    """Give each edge its own key, so that compaction keeps its newest fact."""
    return f"{get('follower_id')}:{get('followee_id')}".encode()


def _written_key(_: Callable[[str], Any]) -> bytes:
    """Give all messages one key, so that compaction keeps the newest."""
    return b"written"


def _kind(topic: str, struct: type[Any], key: KeyRule) -> tuple[str, MessageKind]:
    return str(struct.__struct_config__.tag), MessageKind(topic, struct, key)


KINDS: Mapping[str, MessageKind] = dict(
    [
        _kind("posts", events.PostCreated, first_of("author_id")),
        _kind("posts", events.PostEdited, first_of("author_id")),
        _kind("posts", events.PostDeleted, first_of("author_id")),
        _kind("posts", events.QuoteDetached, first_of("author_id")),
        _kind("replies", events.ReplyCreated, first_of("root_id", "parent_id")),
        _kind("replies", events.ReplyEdited, first_of("root_id", "parent_id")),
        _kind("replies", events.ReplyDeleted, first_of("root_id", "parent_id")),
        _kind("follows", events.FollowCreated, first_of("follower_id")),
        _kind("follows", events.FollowDeleted, first_of("follower_id")),
        *(_kind("relations", fact, first_of("owner_id")) for fact in get_args(RelationFact)),
        _kind("fanout-pages", requests.DeliverPage, _page_key),
        _kind("bulk-pages", requests.DeliverBulkPage, _page_key),
        _kind("backfills", requests.BackfillFollow, first_of("follower_id")),
        _kind(FOLLOW_EDGES, snapshots.EdgesWritten, _written_key),
    ]
)


class Snapshot(NamedTuple):
    """The source and key of a topic that holds the newest facts of another topic."""

    source: str
    key: KeyRule


SNAPSHOTS: Mapping[str, Snapshot] = {FOLLOW_EDGES: Snapshot("follows", _edge_key)}

_ID_FIELDS = (
    "post_id",
    "author_id",
    "parent_id",
    "root_id",
    "repost_of",
    "quote_of",
    "original_id",
    "follower_id",
    "followee_id",
    "owner_id",
    "target_id",
    "keyword_id",
    "list_id",
    "member_id",
    "up_to",
)
_DECIMAL = re.compile(r"[1-9][0-9]{0,18}\Z")
_PLACE = re.compile(r" - at `\$\.?(.*)`\Z")
_REASONS: tuple[tuple[str, ViolationReason], ...] = (
    ("Object missing required field", "missing"),
    ("Invalid enum value", "unknown_value"),
    ("matching regex", "unknown_value"),
    ("of length", "too_long"),
    ("Expected `int` >=", "out_of_range"),
    ("Expected `int` <=", "out_of_range"),
    ("Integer", "out_of_range"),
)


def decode(
    topic: str,
    key: bytes | None,
    value: bytes | None,
    timestamp_ms: int,
    epoch: int = DEFAULT_EPOCH,
) -> Any:
    """Return the message of a record.

    `timestamp_ms` is the record's timestamp, -1 if it has none; `epoch` is the one that post ids
    are minted with. Raises SchemaViolation, with field and reason, for an invalid message.
    """
    raw = _parse(value)
    kind = _kind_of(raw, topic)
    message = _convert(raw, kind)
    _check_key(message, kind, key)
    if isinstance(message, events.Fact):
        _check_times(message, timestamp_ms, epoch)
    return message


def encode(message: Message) -> Encoded:
    """Return the record of a message."""
    value = msgspec.json.encode(message)
    kind = KINDS[type(message).__struct_config__.tag]  # type: ignore[index]
    return Encoded(kind.topic, kind.key(partial(getattr, message)), value)


def encode_edge(fact: FollowFact) -> Encoded:
    """Return the record of an edge's newest fact in the snapshot of edges."""
    return Encoded(FOLLOW_EDGES, _edge_key(partial(getattr, fact)), msgspec.json.encode(fact))


def key_for(tag: str, fields: Mapping[str, Any]) -> bytes:
    """Return the key of a message given as JSON. Raises SchemaViolation if it has none."""
    if tag not in KINDS:
        raise SchemaViolation("type", "unknown_type")
    return KINDS[tag].key(fields.get)


def _parse(value: bytes | None) -> dict[str, Any]:
    if value is None:
        raise SchemaViolation("value", "null_value")
    if len(value) > MAX_MESSAGE:
        raise SchemaViolation("value", "too_large")
    try:
        raw = msgspec.json.decode(value)
    except UnicodeDecodeError:
        raise SchemaViolation("value", "not_utf8") from None
    except (msgspec.DecodeError, RecursionError):
        raise SchemaViolation("value", _why_unreadable(value)) from None
    if not isinstance(raw, dict):
        raise SchemaViolation("value", "not_an_object")
    return raw


def _why_unreadable(value: bytes) -> ViolationReason:
    try:
        value.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return "not_json"


def _kind_of(raw: dict[str, Any], topic: str) -> MessageKind:
    tag = raw.get("type")
    if tag is None:
        raise SchemaViolation("type", "missing")
    if not isinstance(tag, str):
        raise SchemaViolation("type", "wrong_type")
    kind = KINDS.get(tag)
    snapshot = SNAPSHOTS.get(topic)
    if kind is not None and snapshot is not None and kind.topic == snapshot.source:
        return kind._replace(topic=topic, key=snapshot.key)
    if kind is None or kind.topic != topic:
        raise SchemaViolation("type", "unknown_type")
    return kind


def _convert(raw: dict[str, Any], kind: MessageKind) -> Any:
    for name in _ID_FIELDS:
        if name in raw:
            raw[name] = _id(name, raw[name])
    mentions = raw.get("mentions")
    if isinstance(mentions, list):
        raw["mentions"] = [_id(f"mentions[{i}]", each) for i, each in enumerate(mentions)]
    try:
        message = msgspec.convert(raw, kind.struct)
    except msgspec.ValidationError as error:
        raise _violation(str(error)) from None
    if isinstance(message, ReadMarked) and int(message.what.partition(":")[2] or 0) > MAX_ID:
        raise SchemaViolation("what", "out_of_range")
    if isinstance(message, BlockCreated | MuteCreated) and message.owner_id == message.target_id:
        raise SchemaViolation("target_id", "oneself")
    return message


def _id(field: str, wire: object) -> object:
    if isinstance(wire, float):
        raise SchemaViolation(field, "wrong_type")
    if not isinstance(wire, str):
        return wire
    if not _DECIMAL.match(wire):
        raise SchemaViolation(
            field, "out_of_range" if wire.lstrip("-").isdecimal() else "wrong_type"
        )
    return int(wire)


def _violation(text: str) -> SchemaViolation:
    place = _PLACE.search(text)
    field = place[1] if place else "value"
    missing = re.search(r"required field `(\w+)`", text)
    if missing:
        return SchemaViolation(missing[1], "missing")
    reason: ViolationReason = next((r for part, r in _REASONS if part in text), "wrong_type")
    if "of length >=" in text:
        reason = "out_of_range"
    return SchemaViolation(field or "value", reason)


def _check_key(message: Any, kind: MessageKind, key: bytes | None) -> None:
    if key is None:
        raise SchemaViolation("key", "null_key")
    if key != kind.key(partial(getattr, message)):
        raise SchemaViolation("key", "key_mismatch")


def _check_times(fact: Any, timestamp_ms: int, epoch: int) -> None:
    latest = timestamp_ms + _SKEW_MS
    if timestamp_ms >= 0 and fact.version > latest * 1_000:
        raise SchemaViolation("version", "too_far_ahead")
    if not isinstance(fact, PostFact):
        return
    written = post_time(fact.post_id, epoch)
    if timestamp_ms >= 0 and written > latest:
        raise SchemaViolation("post_id", "too_far_ahead")
    if isinstance(fact, events.Creation) and abs(fact.version - written * 1_000) > _SKEW_MS * 1_000:
        raise SchemaViolation("version", "not_of_its_time")
