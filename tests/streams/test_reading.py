"""A worker goes on whatever a producer sends, and says what it could not read."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.app import App
from streams.cli import main
from streams.embedded.mock_broker import Api, MockBroker
from streams.records import Partition
from tests.streams.conftest import PARTITIONS, Log, Workers, eventually, until
from tests.streams.fakes import POSTS, Handler, sample
from tests.streams.raw_batches import (
    CODECS,
    UNKNOWN_CODEC,
    batch,
    flipped,
    sealed,
    send,
    with_codec,
)

NOT_LEADER = 6
STORAGE_ERROR = 56
NOBODY = -1


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
async def test_compressed_messages_are_handled(
    broker: MockBroker, workers: Workers, log: Log, handler: Handler, codec: int
) -> None:
    await send(broker.bootstrap, POSTS, batch([b"1", b"2", b"3"], codec))
    async with workers(handler):
        await eventually(log.committed, {0: 3})
    assert handler.handled == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (with_codec(batch([b"x"] * 30), UNKNOWN_CODEC), "unreadable_codec"),
        (with_codec(batch([b"x"] * 30), CODECS["lz4"]), "unreadable_batch"),
        (batch([bytes(1 << 20)] * 30, CODECS["gzip"]), "too_large_unpacked"),
    ],
    ids=["codec", "batch", "bomb"],
)
async def test_an_unreadable_batch_is_one_dead_letter(  # noqa: PLR0917 - fixtures and two parameters
    broker: MockBroker, workers: Workers, log: Log, handler: Handler, raw: bytearray, reason: str
) -> None:
    """It says which offsets, and the commit passes them once it is written."""
    await send(broker.bootstrap, POSTS, batch([b"before"]), raw, batch([b"after"]))
    await send(broker.bootstrap, POSTS, batch([b"elsewhere"]), partition=1)
    async with workers(handler) as app:
        await eventually(log.committed, {0: 32, 1: 1})
        await until(lambda: not app.intake.missing())
        count = {"topic": POSTS, "reason": reason}
        assert sample(app.transport.metrics, "timeline_dead_letters_total", **count) == 1
    assert set(handler.handled) == {"before", "after", "elsewhere"}
    (letter,) = await log.read("posts-dlq", 1)
    headers = dict(letter.headers)
    assert (letter.key, letter.value) == (None, None)
    assert headers["__connect.errors.offset"] == b"1"
    assert headers["mingle.reason"] == reason.encode()
    text = headers["__connect.errors.exception.message"].decode()
    assert text.startswith(f"batch: {reason}, offsets 1 to 30: ")
    assert f"{len(raw)} bytes, sha256 " in text


async def test_a_header_that_is_not_utf8_is_a_dead_letter_of_its_record(
    broker: MockBroker, workers: Workers, log: Log, handler: Handler
) -> None:
    """With its key and its value, so that it can be sent again."""
    raw = batch([b"1", b"2", b"3"], headers=[("name", b"")])
    raw[raw.index(b"name")] = 0xFF
    await send(broker.bootstrap, POSTS, sealed(raw))
    async with workers(handler):
        await eventually(log.committed, {0: 3})
    assert handler.handled == ["2", "3"]
    (letter,) = await log.read("posts-dlq", 1)
    assert (letter.key, letter.value) == (b"bob", b"1")
    assert dict(letter.headers)["mingle.reason"] == b"unreadable_record"


@asynccontextmanager
async def standing_still(
    broker: MockBroker, workers: Workers, handler: Handler
) -> AsyncIterator[App]:
    """A worker in front of a batch with a wrong checksum."""
    await send(broker.bootstrap, POSTS, batch([b"1"]), flipped(batch([b"2"]), 30), batch([b"3"]))
    async with workers(handler) as app:
        await until(lambda: bool(app.intake.unreadable))
        yield app


async def test_a_wrong_checksum_stops_its_partition_alone(
    broker: MockBroker, workers: Workers, log: Log, handler: Handler
) -> None:
    """And the worker says so. It goes on by itself where the log was mended, or is skipped."""
    async with standing_still(broker, workers, handler) as app:
        (standstill,) = app.intake.unreadable.items()
        assert standstill[0] == Partition(POSTS, 0)
        assert standstill[1][:2] == (1, "wrong checksum")
        (why,) = app.intake.missing()
        assert why.startswith("mingle-ingest cannot read posts:0 at offset 1 (wrong checksum); ")
        await until(lambda: unreadable(app) == 1)
        await send(broker.bootstrap, POSTS, batch([b"elsewhere"]), partition=1)
        await eventually(log.committed, {0: 1, 1: 1})
    assert handler.handled == ["1", "elsewhere"]


def unreadable(app: App) -> float:
    place: dict[str, Any] = {"group": "mingle-ingest", "topic": POSTS, "partition": "0"}
    return sample(app.transport.metrics, "timeline_partitions_unreadable", **place)


async def test_what_no_user_may_read_stops_its_topic_alone(
    broker: MockBroker, workers: Workers, handler: Handler
) -> None:
    """TOPIC_AUTHORIZATION_FAILED, once for each partition; then it goes on."""
    await send(broker.bootstrap, POSTS, batch([b"1"]))
    broker.fail_next(Api.FETCH, 29, 29)
    async with workers(handler):
        await until(lambda: handler.handled == ["1"])


async def test_an_error_of_the_broker_is_said_and_not_asked_for_without_end(
    broker: MockBroker, workers: Workers, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    """Upstream asks again at once, thousands of times, and the worker seemed to be well."""
    await send(broker.bootstrap, POSTS, batch([b"1"]))
    broker.fail_next(Api.FETCH, *[STORAGE_ERROR] * 1_000)
    async with workers(handler) as app:
        await until(lambda: len(app.intake.unreadable) == PARTITIONS)
        problem, _ = sorted(app.intake.missing())
        why = "posts:0 at offset 0 ([Error 56] KafkaStorageError); it goes on once brokers answer"
        assert problem == f"mingle-ingest cannot read {why}"
        assert len(caplog.records) < 50
        broker.stop_failing(Api.FETCH)
        await until(lambda: handler.handled == ["1"])
        await until(lambda: not app.intake.unreadable)


async def test_a_partition_without_a_leader_is_said(
    broker: MockBroker, workers: Workers, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks for it, so nobody hears of an error."""
    monkeypatch.setattr("streams.kafka.fetching.SILENT_SECONDS", 1.0)
    async with workers(handler) as app:
        await send(broker.bootstrap, POSTS, batch([b"1"]))
        await until(lambda: handler.handled == ["1"])
        broker.set_leader(POSTS, 1, NOBODY)
        broker.fail_next(Api.FETCH, NOT_LEADER)
        await until(lambda: bool(app.intake.unreadable))
        assert "no broker answers for it" in app.intake.missing()[0]
        broker.set_leader(POSTS, 1, 1)
        await until(lambda: not app.intake.unreadable)


async def skip(broker: MockBroker, *options: str) -> Result:
    mingle = CliRunner(env={"MINGLE_KAFKA_BOOTSTRAP": broker.bootstrap})
    arguments = ["dead-letters", "skip", "posts:0", "--to", *options]
    return await asyncio.to_thread(mingle.invoke, main, arguments)


async def test_what_stops_a_partition_is_passed_by(
    broker: MockBroker, workers: Workers, log: Log, handler: Handler
) -> None:
    await send(broker.bootstrap, POSTS, flipped(batch([b"1"]), 30), batch([b"2"]))
    assert "not above 2, the end" in (await skip(broker, "3")).output
    assert (await skip(broker, "1")).output == (
        "mingle-ingest would go on at offset 1 of posts:0; 1 offsets are skipped\n"
        "nothing was done: add --apply\n"
    )
    assert await log.committed() == {}
    assert (await skip(broker, "1", "--apply")).exit_code == 0
    async with workers(handler):
        await eventually(log.committed, {0: 2})
    assert handler.handled == ["2"]


async def test_workers_that_run_are_to_be_stopped_first(
    broker: MockBroker, workers: Workers, log: Log, handler: Handler
) -> None:
    """Kafka lets nobody else commit for them."""
    async with standing_still(broker, workers, handler):
        await eventually(log.committed, {0: 1})
        refused = await skip(broker, "2", "--apply")
        assert refused.exit_code == 1
        assert "stop all workers of role ingest" in refused.output
        assert "expected an offset above 1, " in (await skip(broker, "1")).output
        assert await log.committed() == {0: 1}
