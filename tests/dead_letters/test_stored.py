"""The ids and headers of dead letters, and what is redriven."""

import pytest

from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from tests.dead_letters.fakes import WRITTEN_AT, stored
from tests.streams.fakes import ACCEPTED_AT, FakeRecord


def test_an_id_is_a_place() -> None:
    """Of a dead-letter topic that is declared."""
    assert DeadLetterId.parse("posts-dlq:3:17") == DeadLetterId("posts-dlq", 3, 17)
    assert str(DeadLetterId("fanout-pages-dlq", 0, 5)) == "fanout-pages-dlq:0:5"


@pytest.mark.parametrize(
    "text", ["", "posts:3:17", "posts-dlq:3", "posts-dlq:3:-1", "posts-dlq:a:1"]
)
def test_nothing_else_is_an_id(text: str) -> None:
    """Least of all the topic that the message came from."""
    with pytest.raises(ValueError):  # noqa: PT011 - int's and ours alike
        DeadLetterId.parse(text)


async def test_what_goes_back_is_what_came() -> None:
    """Key, value, the producer's headers and the record's own time, with those of the failure."""
    record = FakeRecord(7, b"\xff", None, headers=(("trace", b"1"),))
    before = await stored(0, record)
    back = before.original_message()
    assert (back.topic, back.key, back.value) == ("posts", None, b"\xff")
    assert back.timestamp == ACCEPTED_AT
    assert back.headers[0] == ("trace", b"1")
    assert list(back.headers) == list(before.headers)
    assert before.own_headers() == [("trace", b"1")]


async def test_the_time_is_that_of_the_first_record() -> None:
    """However often it was redriven and failed again; every failure is listed, the oldest first."""
    once = await stored(0, FakeRecord(7))
    again = await stored(1, FakeRecord(9, headers=tuple(once.original_message().headers)))
    assert [each.offset for each in again.failures()] == ["7", "9"]
    assert again.original_message().timestamp == ACCEPTED_AT


async def test_a_record_without_a_time_goes_back_without() -> None:
    """Kafka then gives it one."""
    assert (await stored(0, FakeRecord(0, timestamp=-1))).original_message().timestamp is None


def test_a_message_that_nobody_buried_is_a_letter_too() -> None:
    """Somebody wrote it into the topic; nothing is known of it."""
    stray = StoredDeadLetter(DeadLetterId("posts-dlq", 0, 0), WRITTEN_AT, None, None, [])
    (failure,) = stray.failures()
    assert set(failure) == {"?"}
    assert stray.original_message().timestamp is None
