"""What producers send to real brokers: compressed in any way, unpacking to too much, malformed."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from confluent_kafka import Producer

from schemas.codec import Message, encode
from tests.e2e.comparison import compare_all
from tests.e2e.pipeline import Pipeline, Record, memory_of
from tests.e2e.village import Village, model_of
from tests.streams.raw_batches import CODECS, UNKNOWN_CODEC, batch, sealed, send, with_codec

SEED = 18
FAMILY = Village(people=10, follows=40, posts=60)
DRAIN_SECONDS = 120.0
ANSWER_SECONDS = 30.0
BOMB = 100
"""Megabytes."""

pytestmark = pytest.mark.e2e


def produce(pipeline: Pipeline, codec: str, messages: Sequence[Message]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": pipeline.settings.kafka_bootstrap,
            "compression.type": codec,
            "linger.ms": 100,
        }
    )
    for each in messages:
        topic, key, value = encode(each)
        producer.produce(topic, value, key)
    assert producer.flush(ANSWER_SECONDS) == 0


def offer(pipeline: Pipeline, raw: bytearray) -> bool:
    """Whether the broker takes the batch."""
    try:
        asyncio.run(send(pipeline.settings.kafka_bootstrap, "posts", raw))
    except KafkaError:
        return False
    return True


def malformed_header() -> bytearray:
    raw = batch([b"{}"], headers=[("name", b"")])
    raw[raw.index(b"name")] = 0xFF
    return sealed(raw)


def test_what_producers_send_is_read_or_said(pipeline: Pipeline, record: Record) -> None:
    """A broker unpacks what it is sent: it refuses what it cannot unpack, and takes the rest."""
    log = FAMILY.seeded(SEED)
    worker = pipeline.start_worker("live")
    size = len(log) // len(CODECS) + 1
    parts = [log[at : at + size] for at in range(0, len(log), size)]
    for codec, part in zip(CODECS, parts, strict=True):
        produce(pipeline, codec, part)
    pipeline.drain(DRAIN_SECONDS)
    entries = compare_all(pipeline.settings, model_of(log))
    before = memory_of(worker.pid, "VmRSS")

    broken = with_codec(batch([b"{}"] * 30), CODECS["lz4"])
    assert not offer(pipeline, with_codec(batch([b"{}"]), UNKNOWN_CODEC))
    assert not offer(pipeline, broken)
    for codec in ("gzip", "lz4", "zstd"):
        assert offer(pipeline, batch([bytes(1 << 20)] * BOMB, CODECS[codec]))
    assert offer(pipeline, malformed_header())
    pipeline.drain(DRAIN_SECONDS)
    record(
        f"{BOMB} MB in a batch of gzip, lz4, zstd",
        rss_before_bytes=before,
        rss_peak_bytes=memory_of(worker.pid, "VmHWM"),
        rss_after_bytes=memory_of(worker.pid, "VmRSS"),
    )
    dead = [json.loads(line) for line in listed(pipeline)]
    assert sorted(each["reason"] for each in dead) == ["too_large_unpacked"] * 3 + [
        "unreadable_record"
    ]
    assert compare_all(pipeline.settings, model_of(log)) == entries


def listed(pipeline: Pipeline) -> list[Any]:
    return pipeline.mingle("dead-letters", "list", "--json").splitlines()
