"""Replays and tools pass by what workers pass by."""

import asyncio
from collections.abc import Mapping

import pytest

from services.errors import BrokerUnavailable
from services.settings.brokers import Brokers
from streams.embedded.mock_broker import MockBroker
from streams.kafka import batches
from streams.kafka.partition_reader import PartitionReader
from streams.kafka.reader import TopicReader
from streams.kafka.unpack import Data
from streams.kafka.unpack import unpack as unpack_within_bound
from streams.records import OffsetRange, Partition, UnreadableRecord
from streams.replay.consumer import ReplayConsumer
from streams.replay.plan import Source
from tests.streams.conftest import PATIENCE
from tests.streams.fakes import P0, POSTS
from tests.streams.raw_batches import (
    CODECS,
    UNKNOWN_CODEC,
    batch,
    flipped,
    sealed,
    send,
    with_codec,
)

unreadable = pytest.mark.parametrize("codec", [UNKNOWN_CODEC, CODECS["gzip"], CODECS["lz4"]])


def between(codec: int) -> list[bytearray]:
    """Offsets 0 and 31 can be read, those between cannot."""
    return [batch([b"before"]), with_codec(batch([b"x"] * 30), codec), batch([b"after"])]


def read(broker: MockBroker, end: int) -> list[bytes]:
    with TopicReader(Brokers(broker.bootstrap)) as reader:
        return [each.value for each in reader.read(OffsetRange(POSTS, 0, 0, end))]


@unreadable
async def test_a_reader_goes_on_behind_what_it_cannot_read(broker: MockBroker, codec: int) -> None:
    await send(broker.bootstrap, POSTS, *between(codec))
    assert await asyncio.to_thread(read, broker, 32) == [b"before", b"after"]
    assert await asyncio.to_thread(read, broker, 20) == [b"before"]


async def test_a_reader_says_where_nobody_can_read_on(broker: MockBroker) -> None:
    await send(broker.bootstrap, POSTS, batch([b"before"]), flipped(batch([b"x"]), 30))
    with pytest.raises(BrokerUnavailable, match="posts:0 cannot be read at offset 1: wrong check"):
        await asyncio.to_thread(read, broker, 2)


async def replayed(broker: MockBroker, end: int) -> list[object]:
    """The values that a replay receives, and what stands for unreadable ones."""

    async def on_assigned(_: set[Partition]) -> None: ...
    async def on_revoked() -> Mapping[Partition, int]:
        return {}

    found: list[object] = []
    source = Source(POSTS, 0, 0, end)
    async with (
        asyncio.timeout(PATIENCE),
        ReplayConsumer(
            Brokers(broker.bootstrap), "replay", [source], on_assigned, on_revoked
        ) as consumer,
    ):
        ended = False
        while not ended:
            polled = await consumer.poll(100, 0.2, set())
            ended = P0 in polled.ended
            found += [
                each if isinstance(each, UnreadableRecord) else each.value
                for each in polled.records.get(P0, ())
            ]
    return found


@unreadable
async def test_a_replay_goes_on_behind_what_it_cannot_read(broker: MockBroker, codec: int) -> None:
    await send(broker.bootstrap, POSTS, *between(codec))
    before, passed, after = await replayed(broker, 32)
    assert (before, after) == (b"before", b"after")
    assert isinstance(passed, UnreadableRecord)
    assert (passed.offset, passed.last_offset) == (1, 30)


async def test_what_zstd_unpacks_to_too_much_is_passed_by_as_workers_do(broker: MockBroker) -> None:
    """Its two kilobytes are 40 MB."""
    await send(broker.bootstrap, POSTS, batch([bytes(1 << 20)] * 40, CODECS["zstd"]), batch([b"1"]))
    assert await asyncio.to_thread(read, broker, 41) == [b"1"]
    passed, after = await replayed(broker, 41)
    assert isinstance(passed, UnreadableRecord)
    assert (passed.reason, passed.last_offset, after) == ("too_large_unpacked", 39, b"1")


async def test_a_replay_knows_a_message_with_a_malformed_header(broker: MockBroker) -> None:
    """Workers do not handle it either."""
    raw = batch([b"1", b"2"], headers=[("name", b"")])
    raw[raw.index(b"name")] = 0xFF
    await send(broker.bootstrap, POSTS, sealed(raw))
    passed, after = await replayed(broker, 2)
    assert isinstance(passed, UnreadableRecord)
    assert (passed.offset, passed.value, after) == (0, b"1", b"2")


async def test_a_batch_that_is_taken_in_pieces_is_unpacked_once(
    broker: MockBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unpacked for each piece, a million small messages would take minutes."""
    unpacked: list[int] = []

    def unpack(codec: int, packed: bytes) -> Data:
        unpacked.append(codec)
        return unpack_within_bound(codec, packed)

    monkeypatch.setattr(batches, "unpack", unpack)
    await send(broker.bootstrap, POSTS, batch([b"x"] * 1_000, CODECS["gzip"]))
    taken = 0
    async with asyncio.timeout(PATIENCE), PartitionReader(Brokers(broker.bootstrap)) as reader:
        reader.assign({P0: 0})
        while taken < 1_000:
            for records in (await reader.take({P0}, 0.2, 100)).values():
                assert len(records) <= 100
                taken += len(records)
    assert unpacked == [CODECS["gzip"]]
