"""What a dead letter says, in the common dialect."""

from schemas.errors import SchemaViolation
from services.errors import Permanent
from streams.delivery.dead_letters import (
    NEWEST_FAILURES,
    DeadLetter,
    OutboxDeadLetterWriter,
    failure_history,
)
from streams.outbox import MemoryOutbox
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
