"""The ids and headers of dead letters, and what is redriven."""

from hashlib import sha256

import pytest
from rich.console import Console

from streams.dead_letters.search import DeadLetterFilter
from streams.dead_letters.stored import DeadLetterId, StoredDeadLetter
from streams.delivery.cut import LARGEST_BODY, Cut
from streams.delivery.dead_letters import DeadLetter, NotReadable, OutboxDeadLetterWriter
from streams.display.dead_letters import dead_letter_details
from streams.outbox import MemoryOutbox
from streams.records import Partition, UnreadableRecord
from tests.dead_letters.fakes import WRITTEN_AT, cut, stored
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


async def unreadable(key: bytes | None = None, value: bytes | None = None) -> StoredDeadLetter:
    """What is left of offsets 17 to 46."""
    record = UnreadableRecord(17, 46, ACCEPTED_AT, "unreadable_batch", "why", key, value)
    outbox = MemoryOutbox()
    await OutboxDeadLetterWriter(outbox).write(
        [DeadLetter(Partition("posts", 3), record, NotReadable(record))]
    )
    (sent,) = outbox.sent("posts-dlq")
    at = DeadLetterId("posts-dlq", 0, 0)
    return StoredDeadLetter(at, WRITTEN_AT, sent.key, sent.value, sent.headers)


async def test_what_could_not_be_read_says_which_offsets() -> None:
    dead_letter = await unreadable()
    (failure,) = dead_letter.failures()
    assert (failure.offset, failure.field, failure.reason) == ("17", "batch", "unreadable_batch")
    assert failure.message == "batch: unreadable_batch, offsets 17 to 46: why"
    console = Console(width=200, record=True)
    console.print(dead_letter_details(dead_letter))
    assert "offsets 17 to 46: why" in console.export_text()


async def test_what_left_no_message_is_not_redriven() -> None:
    """An empty message would not be what its producer sent."""
    redrivable = DeadLetterFilter(redrivable=True)
    assert not redrivable.matches(await unreadable())
    assert DeadLetterFilter().matches(await unreadable())
    assert redrivable.matches(await unreadable(b"1", b"text"))
    assert redrivable.matches(await stored(0, FakeRecord(7, None, None)))


async def test_one_that_was_cut_says_so() -> None:
    """And shows no header of ours as its producer's."""
    whole = await stored(0, FakeRecord(7, headers=(("trace", b"1"),)))
    part = await cut(1)
    assert whole.cut() is None
    assert part.cut() == Cut(
        str(LARGEST_BODY + 1), sha256(bytes(LARGEST_BODY + 1)).hexdigest(), "value"
    )
    assert part.own_headers() == [("trace", b"1")]
