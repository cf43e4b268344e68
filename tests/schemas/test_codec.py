"""The codec refuses what is no message, and says which field and why."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import KINDS, MAX_MESSAGE, decode
from schemas.errors import SchemaViolation
from schemas.ids import DAY_MS, post_id
from services.posts.post import post_mutation

NOW = 1_760_000_000_000
GOOD: dict[str, Any] = {
    "type": "post.created",
    "version": NOW * 1_000,
    "post_id": post_id(NOW, 7),
    "author_id": 7,
    "text": "bread",
}
FOLLOW = {"type": "follow.created", "version": 1, "follower_id": 7, "followee_id": 8}


def refusal(
    value: bytes | dict[str, Any] | None,
    key: bytes | None = b"7",
    topic: str = "posts",
    at: int = NOW,
) -> str:
    value = json.dumps(value).encode() if isinstance(value, dict) else value
    with pytest.raises(SchemaViolation) as refused:
        decode(topic, key, value, at)
    return str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "value: null_value"),
        (b"", "value: not_json"),
        (b"{", "value: not_json"),
        (b'{"type":"post.created","text":"cut', "value: not_json"),
        (b"\xff\xfe", "value: not_utf8"),
        (b'{"type":"\xff"}', "value: not_utf8"),
        (b'"post"', "value: not_an_object"),
        (b"[]", "value: not_an_object"),
        (b'{"type":"post.created","text":"\\ud800"}', "value: not_json"),
        (b"[" * 60_000, "value: not_json"),
        (b'{"version":NaN}', "value: not_json"),
        (b'{"version":Infinity}', "value: not_json"),
        (b" " * (MAX_MESSAGE + 1), "value: too_large"),
        (b"{}", "type: missing"),
        (b'{"type":null}', "type: missing"),
        (b'{"type":7}', "type: wrong_type"),
        (b'{"type":"post.liked"}', "type: unknown_type"),
        (b'{"type":"reply.created"}', "type: unknown_type"),
    ],
)
def test_what_is_no_message_at_all(value: bytes | None, said: str) -> None:
    """Bytes that are not JSON, JSON that is no object, and types that this topic does not carry."""
    assert refusal(value) == said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"post_id": 0}, "post_id: out_of_range"),
        ({"post_id": -1}, "post_id: out_of_range"),
        ({"post_id": 2**63}, "post_id: out_of_range"),
        ({"post_id": str(2**63)}, "post_id: out_of_range"),
        ({"post_id": "07"}, "post_id: out_of_range"),
        ({"post_id": "seven"}, "post_id: wrong_type"),
        ({"post_id": 7.0}, "post_id: wrong_type"),
        ({"post_id": True}, "post_id: wrong_type"),
        ({"post_id": None}, "post_id: wrong_type"),
        ({"author_id": [7]}, "author_id: wrong_type"),
        ({"version": "1"}, "version: wrong_type"),
        ({"version": -1}, "version: out_of_range"),
        ({"version": 2**63}, "version: out_of_range"),
        ({"text": 7}, "text: wrong_type"),
        ({"text": "x" * 10_001}, "text: too_long"),
        ({"visibility": "secret"}, "visibility: unknown_value"),
        ({"quote_of": 0}, "quote_of: out_of_range"),
        ({"quote_of": "it"}, "quote_of: wrong_type"),
        ({"mentions": "3"}, "mentions: wrong_type"),
        ({"mentions": [3, "x"]}, "mentions[1]: wrong_type"),
        ({"mentions": [0]}, "mentions[0]: out_of_range"),
        ({"mentions": [3] * 51}, "mentions: too_long"),
        ({"tags": ["a"] * 31}, "tags: too_long"),
        ({"links": ["a"] * 21}, "links: too_long"),
        ({"reply_gate": ["friends"]}, "reply_gate[0]: unknown_value"),
        ({"reply_gate": ["list:0"]}, "reply_gate[0]: unknown_value"),
        ({"reply_gate": ["followers"] * 101}, "reply_gate: too_long"),
        ({"author_id": 8}, "key: key_mismatch"),
        ({"version": (NOW + DAY_MS) * 1_000 + 1}, "version: too_far_ahead"),
        ({"version": (NOW - DAY_MS) * 1_000 - 1}, "version: not_of_its_time"),
        ({"post_id": post_id(NOW + DAY_MS + 1, 7)}, "post_id: too_far_ahead"),
    ],
)
def test_a_field_that_is_wrong(change: dict[str, Any], said: str) -> None:
    """The field's place and the reason are said; never its value."""
    assert refusal(GOOD | change) == said


def test_a_follow_edge_has_its_most_languages() -> None:
    """They are compared with that of every post it brings."""
    said = {"type": "follow.created", "version": NOW * 1_000, "follower_id": 7, "followee_id": 8}
    most, more = (json.dumps(said | {"languages": ["en"] * each}).encode() for each in (100, 101))
    assert decode("follows", b"7", most, NOW).followee_id == 8
    with pytest.raises(SchemaViolation, match=r"^languages: too_long$"):
        decode("follows", b"7", more, NOW)


@pytest.mark.parametrize("kind", ["block.created", "mute.created"])
def test_nobody_blocks_or_mutes_oneself(kind: str) -> None:
    """A message that says so is refused; one that takes it back is not."""
    said = {"type": kind, "version": NOW * 1_000, "owner_id": 7, "target_id": "7"}
    with pytest.raises(SchemaViolation, match="target_id: oneself"):
        decode("relations", b"7", json.dumps(said).encode(), NOW)
    undone = said | {"type": kind.replace("created", "deleted")}
    assert decode("relations", b"7", json.dumps(undone).encode(), NOW).target_id == 7


def test_whoever_detaches_a_quote_is_the_key() -> None:
    """The quoted author, whose post it is, not the author of the quote."""
    detached = GOOD | {"type": "quote.detached"}
    assert decode("posts", b"7", json.dumps(detached).encode(), NOW).author_id == 7
    assert refusal(detached, key=b"8") == "key: key_mismatch"
    assert refusal(detached | {"post_id": None}) == "post_id: wrong_type"


@pytest.mark.parametrize("field", ["version", "post_id", "author_id"])
def test_a_field_that_is_missing(field: str) -> None:
    """It is named."""
    assert refusal({name: GOOD[name] for name in GOOD if name != field}) == f"{field}: missing"


def test_a_key_that_is_missing() -> None:
    """Order is by key, so none is not accepted."""
    assert refusal(GOOD, key=None) == "key: null_key"


def test_limits_are_met_exactly() -> None:
    """10,000 code points, 50 mentions, a day ahead: accepted, as are fields nobody knows."""
    edge = {
        "text": "\U0001f600" * 10_000,
        "mentions": list(range(1, 51)),
        "version": (NOW + DAY_MS) * 1_000,
        "likes": 3,
    }
    message = decode("posts", b"7", json.dumps(GOOD | edge, ensure_ascii=False).encode(), NOW)

    assert len(message.text) == 10_000


def test_what_is_said_twice() -> None:
    """Of a field the last counts; an element of a set counts once, but each against the cap."""
    value = json.dumps(GOOD | {"mentions": [3, "3"]}).encode()
    message = decode("posts", b"7", value[:-1] + b',"text":"salt"}', NOW)

    assert message.text == "salt"
    assert post_mutation(message).stated["mentions"] == b'["3"]'


def test_time_is_judged_by_the_record() -> None:
    """The same message years later is no longer ahead of anything, nor one without a timestamp."""
    ahead = GOOD | {"post_id": post_id(NOW + 3 * DAY_MS, 7), "version": (NOW + 3 * DAY_MS) * 1_000}
    value = json.dumps(ahead).encode()

    assert refusal(ahead) == "version: too_far_ahead"
    assert decode("posts", b"7", value, NOW + 400 * DAY_MS) == decode("posts", b"7", value, -1)


def test_options_of_a_follow() -> None:
    """Booleans are booleans, rules are of the five."""
    assert refusal(FOLLOW | {"replies": "some"}, topic="follows") == "replies: unknown_value"
    assert refusal(FOLLOW | {"reposts": "no"}, topic="follows") == "reposts: wrong_type"
    assert refusal(FOLLOW | {"languages": [1]}, topic="follows") == "languages[0]: wrong_type"


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"type": "block.created"}, "target_id: missing"),
        ({"type": "block.created", "target_id": "0"}, "target_id: out_of_range"),
        ({"type": "block.created", "target_id": 8, "owner_id": 9}, "key: key_mismatch"),
        ({"type": "mute.created", "target_id": 8, "scope": "some"}, "scope: unknown_value"),
        ({"type": "mute.created", "target_id": 8, "expires_at": -1}, "expires_at: out_of_range"),
        ({"type": "keyword_mute.created", "keyword_id": 8}, "phrase: missing"),
        ({"type": "list.created", "list_id": 8, "replies": "all"}, "replies: unknown_value"),
        ({"type": "list.created", "list_id": 8, "reposts": "no"}, "reposts: wrong_type"),
        ({"type": "thread_mute.created", "root_id": 8, "everywhere": 1}, "everywhere: wrong_type"),
        ({"type": "list_member.added", "list_id": 8}, "member_id: missing"),
        ({"type": "tag_follow.created", "tag": "#"}, "tag: unknown_value"),
        ({"type": "tag_follow.created", "tag": " \n"}, "tag: unknown_value"),
        ({"type": "tag_follow.created", "tag": "x" * 201}, "tag: too_long"),
        ({"type": "read.marked", "up_to": 8}, "what: missing"),
        ({"type": "read.marked", "up_to": 8, "what": "home:3"}, "what: unknown_value"),
        ({"type": "read.marked", "up_to": 8, "what": "conversation:"}, "what: unknown_value"),
        ({"type": "read.marked", "up_to": 8, "what": f"unanswered:{2**63}"}, "what: out_of_range"),
        ({"type": "settings.changed", "bare_links": "no"}, "bare_links: wrong_type"),
        ({"type": "account.suspended", "version": 2**62}, "version: too_far_ahead"),
    ],
)
def test_a_relation_that_is_wrong(said: dict[str, Any], refused: str) -> None:
    """What people say of each other is judged like all else."""
    relation = {"version": 1, "owner_id": 7} | said
    assert refusal(relation, topic="relations") == refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"phrase": ""}, "phrase: unknown_value"),
        ({"phrase": " \u3000\t"}, "phrase: unknown_value"),
        ({"phrase": "\U0001f600" * 201}, "phrase: too_long"),
        ({"contexts": "home"}, "contexts: wrong_type"),
        ({"contexts": ["home", "lists"]}, "contexts[1]: unknown_value"),
        ({"action": "blur"}, "action: unknown_value"),
        ({"whole_word": 1}, "whole_word: wrong_type"),
    ],
)
def test_a_keyword_mute_that_is_wrong(change: dict[str, Any], said: str) -> None:
    """A phrase says something, in at most 200 code points."""
    mute = {"type": "keyword_mute.created", "version": 1, "owner_id": 7, "keyword_id": 8}
    edge = {"phrase": "\U0001f600" * 200, "contexts": ["home", "home"]}
    assert decode("relations", b"7", json.dumps(mute | edge).encode(), NOW)
    assert refusal(mute | edge | change, topic="relations") == said


def test_a_reply_needs_its_key() -> None:
    """An edit of a reply names the parent or root that its creation had."""
    edit = {"type": "reply.edited", "version": 1, "post_id": GOOD["post_id"], "author_id": 7}

    assert refusal(edit, topic="replies") == "parent_id: missing"
    assert decode("replies", b"9", json.dumps(edit | {"parent_id": 9}).encode(), NOW)


@given(st.binary() | st.from_regex(r'\{"type":"(post|follow).created",.*\}').map(str.encode))
def test_any_bytes_decode_or_are_refused(value: bytes) -> None:
    """Nothing else leaves the codec."""
    for topic in {kind.topic for kind in KINDS.values()}:
        with suppress(SchemaViolation):
            assert decode(topic, b"7", value, NOW)
