"""What a dead letter says, in the common dialect."""

from collections.abc import Sequence
from hashlib import sha256

import pytest

from schemas.errors import SchemaViolation
from services.errors import MessageTooLarge, Permanent
from streams.delivery.cut import LARGEST_BODY, OVERHEAD, Cut
from streams.delivery.dead_letters import (
    NEWEST_FAILURES,
    DeadLetter,
    OutboxDeadLetterWriter,
    cut_of,
    failure_history,
)
from streams.outbox import MemoryOutbox, Outgoing
from tests.streams.fakes import P1, FakeRecord


async def dead_letter_headers(record: FakeRecord, error: Exception) -> dict[str, bytes]:
    outbox = MemoryOutbox()
    await OutboxDeadLetterWriter(outbox).write([DeadLetter(P1, record, error)])
    (sent,) = outbox.sent("posts-dlq")
    assert (sent.key, sent.value) == (record.key, record.value)
    return dict(sent.headers)


async def test_it_says_where_from_and_why() -> None:
    """Kafka Connect's headers, ours, and the bytes as they were."""
    headers = await dead_letter_headers(
        FakeRecord(41, b"\xff\x00", None, 1234), SchemaViolation("mentions[3]", "out_of_range")
    )
    assert headers == {
        "__connect.errors.topic": b"posts",
        "__connect.errors.partition": b"1",
        "__connect.errors.offset": b"41",
        "__connect.errors.exception.class.name": b"schemas.errors.SchemaViolation",
        "__connect.errors.exception.message": b"mentions[3]: out_of_range",
        "mingle.field": b"mentions[3]",
        "mingle.reason": b"out_of_range",
        "mingle.timestamp": b"1234",
    }


async def test_it_never_repeats_a_value_from_the_message() -> None:
    """An error's own text may hold what a user wrote."""
    for error, reason in ((Permanent("secret"), b"refused"), (KeyError("secret"), b"bug")):
        headers = await dead_letter_headers(FakeRecord(0), error)
        assert headers["mingle.reason"] == reason
        assert not any(b"secret" in value for value in headers.values())


async def test_a_letter_that_was_sent_back_keeps_its_history() -> None:
    """Its earlier headers stay, and the latest come last."""
    outbox = MemoryOutbox()
    earlier = ("mingle.reason", b"bug")
    record = FakeRecord(0, headers=(("trace", b"1"), earlier))
    await OutboxDeadLetterWriter(outbox).write([DeadLetter(P1, record, Permanent())])
    (sent,) = outbox.sent("posts-dlq")
    assert sent.headers[:2] == (("trace", b"1"), earlier)
    assert [value for name, value in sent.headers if name == "mingle.reason"] == [
        b"bug",
        b"refused",
    ]


async def test_of_many_burials_the_first_and_the_newest_are_kept() -> None:
    """Redriven thirty times, it still says why it died at first, and its headers stay few."""
    record = FakeRecord(0, headers=(("trace", b"1"),))
    for attempt in range(30):
        outbox = MemoryOutbox()
        dead_letter = DeadLetter(
            P1, record, SchemaViolation(f"mentions[{attempt}]", "out_of_range")
        )
        await OutboxDeadLetterWriter(outbox).write([dead_letter])
        (sent,) = outbox.sent("posts-dlq")
        record = FakeRecord(attempt + 1, headers=tuple(sent.headers))
    own, failures = failure_history(sent.headers)
    assert own == [("trace", b"1")]
    fields = [dict(each)["mingle.field"].decode() for each in failures]
    assert fields == ["mentions[0]", *(f"mentions[{n}]" for n in range(21, 30))]
    assert len(failures) == NEWEST_FAILURES + 1
    assert all(len(each) == len(failures[0]) for each in failures)


class SmallTopics(MemoryOutbox):
    """Topics that take messages up to a size, as a broker counts it."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.calls = 0

    async def send(self, messages: Sequence[Outgoing]) -> None:
        self.calls += 1
        if any(size_of(each) > self._most for each in messages):
            raise MessageTooLarge("posts-dlq")
        await super().send(messages)


def size_of(message: Outgoing) -> int:
    headers = sum(len(name) + len(value) for name, value in message.headers)
    return len(message.key or b"") + len(message.value or b"") + headers


async def written_to(outbox: MemoryOutbox, *records: FakeRecord) -> Sequence[Outgoing]:
    letters = [DeadLetter(P1, each, Permanent()) for each in records]
    await OutboxDeadLetterWriter(outbox).write(letters)
    return outbox.sent("posts-dlq")


async def test_what_its_topic_refuses_is_cut() -> None:
    """It says how long the value was and its digest, besides the place it can be read from."""
    value = b"abc" * 1_000_000
    record = FakeRecord(41, value, b"1", headers=(("trace", b"1"),))
    (sent,) = await written_to(SmallTopics(1_000_000), record)
    assert sent.value == value[: len(sent.value or b"")]
    assert 500_000 < len(sent.value or b"") < 1_000_000
    headers = dict(sent.headers)
    assert headers["mingle.cut.bytes"] == b"3000000"
    assert headers["mingle.cut.sha256"] == sha256(value).hexdigest().encode()
    assert headers["mingle.cut.parts"] == b"value"
    assert headers["__connect.errors.offset"] == b"41"
    assert (sent.key, headers["trace"]) == (b"1", b"1")
    assert cut_of(sent.headers) is not None


@pytest.mark.parametrize("part", ["key", "value", "headers"])
@pytest.mark.parametrize("most", [1_000, 40_000, 1_000_000, 40_000_000])
async def test_whatever_part_is_too_large_is_cut(part: str, most: int) -> None:
    """Down to nothing but the failure, where the topic takes next to nothing."""
    large = bytes(LARGEST_BODY + 1)
    record = {
        "key": FakeRecord(0, b"{}", large),
        "value": FakeRecord(0, large),
        "headers": FakeRecord(0, headers=(("trace", large),)),
    }[part]
    (sent,) = await written_to(SmallTopics(most), record)
    cut = cut_of(sent.headers)
    assert cut is not None
    assert part in cut.parts.split(", ")
    assert size_of(sent) <= most
    assert dict(sent.headers)["mingle.reason"] == b"refused"


async def test_what_no_topic_takes_is_cut_before_it_is_sent() -> None:
    """A broker closes the connection of a request that is far too large, and says nothing."""
    outbox = SmallTopics(10**9)
    (sent,) = await written_to(outbox, FakeRecord(0, bytes(LARGEST_BODY + 1)))
    assert size_of(sent) <= LARGEST_BODY + OVERHEAD
    assert cut_of(sent.headers) is not None


async def test_others_of_its_batch_are_written_once_and_whole() -> None:
    """One that is large does not make its neighbours large."""
    outbox = SmallTopics(1_000_000)
    records = [FakeRecord(0), FakeRecord(1, bytes(3_000_000)), FakeRecord(2)]
    sent = await written_to(outbox, *records)
    assert sorted(dict(each.headers)["__connect.errors.offset"] for each in sent) == [
        b"0",
        b"1",
        b"2",
    ]
    assert [each.value for each in sent if cut_of(each.headers) is None] == [b"value"] * 2


async def test_headers_of_a_failure_that_a_producer_made_are_cut_too() -> None:
    """Nothing in a message is so named that it is kept whatever its size."""
    record = FakeRecord(0, headers=(("mingle.reason", bytes(3_000_000)),))
    (sent,) = await written_to(SmallTopics(1_000_000), record)
    assert (cut_of(sent.headers) or Cut("", "", "")).parts == "headers"


async def test_a_producer_cannot_claim_that_its_message_was_cut() -> None:
    """Else its dead letter could not be redriven."""
    record = FakeRecord(0, headers=(("mingle.cut.bytes", b"9"), ("mingle.reason", b"bug")))
    (sent,) = await written_to(SmallTopics(1_000_000), record)
    assert cut_of(sent.headers) is None


async def test_a_topic_that_takes_nothing_is_an_error() -> None:
    """The message waits; it is not lost."""
    with pytest.raises(MessageTooLarge):
        await written_to(SmallTopics(10), FakeRecord(0))
