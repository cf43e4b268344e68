"""Batches as producers make them, and as they never should be, byte by byte."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
UNKNOWN_CODEC = 5
HEADER_BYTES = 61
ATTRIBUTES = 22
"""The byte of the header that names the codec."""


def batch(
    values: Sequence[bytes],
    codec: int = 0,
    *,
    first: int = 0,
    headers: Sequence[tuple[str, bytes]] = (),
    keys: Sequence[bytes] | None = None,
    timestamp: int = 1_000,
) -> bytearray:
    """Return a batch whose first record has that offset."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for number, value in enumerate(values):
        key = keys[number] if keys else b"bob"
        builder.append(number, timestamp + number, key, value, list(headers))
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")
    return raw


def sealed(raw: bytearray) -> bytearray:
    """Make the checksum right."""
    raw[17:21] = calc_crc32c(bytes(raw[21:])).to_bytes(4, "big")
    return raw


def with_codec(raw: bytearray, codec: int) -> bytearray:
    """Say of a batch that it is compressed otherwise."""
    raw[ATTRIBUTES] = raw[ATTRIBUTES] & ~7 | codec
    return sealed(raw)


def flipped(raw: bytearray, at: int) -> bytearray:
    raw[at] ^= 0xFF
    return raw


async def send(bootstrap: str, topic: str, *batches: bytearray, partition: int = 0) -> list[int]:
    """Send the batches as they are. Return their first offsets."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=64 << 20)
    await producer.start()
    try:
        offsets = []
        for raw in batches:
            acknowledged = await producer.send_batch(
                _builder(producer, raw), topic, partition=partition
            )
            offsets.append((await acknowledged).offset)
        return offsets
    finally:
        await producer.stop()


def _builder(producer: AIOKafkaProducer, raw: bytearray) -> BatchBuilder:
    builder: Any = producer.create_batch()
    builder._buffer = raw
    builder._relative_offset = int.from_bytes(raw[57:61], "big")
    builder.close()
    return builder
