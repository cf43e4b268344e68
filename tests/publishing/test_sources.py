"""The first line of a file decides its format; each line becomes a message or is reported."""

import gzip
import io
import json

import pytest

from schemas.ids import DEFAULT_EPOCH
from streams.outbox import Outgoing
from streams.publishing.sources import MalformedLine, read_messages

FOLLOW = {"type": "follow.created", "version": 1, "follower_id": 1, "followee_id": 2}


def stop(malformed: MalformedLine) -> None:
    raise malformed


def read(content: str | bytes) -> list[Outgoing]:
    raw = content.encode() if isinstance(content, str) else content
    return list(read_messages(io.BytesIO(raw), "village", DEFAULT_EPOCH, stop))


def line(**fields: object) -> str:
    return json.dumps(fields) + "\n"


def test_both_shapes_of_a_line_say_the_same() -> None:
    """A message's fields stand beside its topic or inside `value`."""
    beside, inside = read(line(topic="follows", **FOLLOW) + line(topic="follows", value=FOLLOW))
    assert beside == inside
    assert beside.key == b"1"
    assert json.loads(beside.value or b"") == FOLLOW


def test_a_key_may_be_given() -> None:
    """It is used as it is, and must fit the value."""
    [given] = read(line(topic="follows", key="1", value=FOLLOW))
    assert given.key == b"1"
    with pytest.raises(MalformedLine, match="key: key_mismatch"):
        read(line(topic="follows", key="2", value=FOLLOW))


def test_unknown_fields_are_passed_on() -> None:
    """Fields of a newer producer are for newer readers."""
    [sent] = read(line(topic="follows", value={**FOLLOW, "mood": "sunny"}))
    assert json.loads(sent.value or b"")["mood"] == "sunny"


@pytest.mark.parametrize(
    ("raw", "value"),
    [("{", b"{"), ("é", b"\xc3\xa9"), ("\udcff", b"\xff"), ("", b""), (None, None)],
)
def test_raw_values_are_sent_untouched(raw: str | None, value: bytes | None) -> None:
    """Poison can be published on purpose, whatever its bytes."""
    assert read(line(topic="posts", key="7", raw=raw)) == [Outgoing("posts", b"7", value)]
    assert read(line(topic="posts", raw=raw)) == [Outgoing("posts", None, value)]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "one JSON object"),
        ("[" * 100_000, "not JSON"),
        ("{}", "topic: missing"),
        ('{"topic": "gossip"}', "topic: expected one of"),
        ('{"topic": ["posts"]}', "topic: expected one of"),
        ('{"topic": "posts", "value": "text"}', "use raw"),
        ('{"topic": "posts", "raw": 1}', "raw: expected"),
        ('{"topic": "posts", "raw": "\\ud800"}', "raw: surrogates"),
        ('{"topic": "posts", "key": [1], "raw": ""}', "key: expected"),
        ('{"topic": "posts", "type": ["a"]}', "type: "),
        ('{"topic": "posts", "type": "post.created", "version": 1}', "author_id: missing"),
        ('{"topic": "posts", "type": "post.liked"}', "type: unknown_type"),
    ],
)
def test_a_malformed_line_is_reported_with_its_number(bad: str, why: str) -> None:
    """The reason says what is wrong, and blank lines count."""
    with pytest.raises(MalformedLine, match=why) as caught:
        read(line(topic="follows", **FOLLOW) + "\n" + bad + "\n")
    assert str(caught.value).startswith("village, line 3: ")


def test_malformed_lines_can_be_passed_over() -> None:
    """When the callback returns, the following lines are read."""
    noted: list[MalformedLine] = []
    content = line(topic="follows", **FOLLOW) + "{\n" + line(topic="follows", **FOLLOW)
    sent = list(read_messages(io.BytesIO(content.encode()), "village", DEFAULT_EPOCH, noted.append))
    assert len(sent) == 2
    assert [malformed.line for malformed in noted] == [2]


def test_data_sets_are_recognized_by_their_header() -> None:
    """Follows and posts, compressed or not."""
    follows = b"follower_id,followee_id\n2,45385\n"
    posts = b"post_id,user_id,ts,kind,parent_id,root_id,text_len\n1,5,1407634214,post,,1,3\n"
    assert [each.topic for each in read(follows)] == ["follows"]
    assert [each.topic for each in read(posts)] == ["posts"]
    assert read(gzip.compress(posts)) == read(posts)


def test_a_damaged_row_ends_the_reading() -> None:
    """Later rows may depend on it, so nothing after it is read."""
    with pytest.raises(MalformedLine, match="village, line 3: "):
        read("follower_id,followee_id\n1,2\n1,bob\n3,4\n")


def test_a_file_that_ends_early_is_reported() -> None:
    """The rest of the compressed file is not skipped silently."""
    whole = gzip.compress(line(topic="follows", **FOLLOW).encode() * 1_000)
    with pytest.raises(MalformedLine, match="damaged gzip"):
        read(whole[:-20])


def test_an_empty_file_holds_nothing() -> None:
    """Nothing to publish is no error."""
    assert read("") == []
