"""On a real broker: what unpacks to a hundred megabytes costs a replay and the tools little."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from servers.server import Reachable
from tests.streams.raw_batches import CODECS, batch, send

WAIT = 30.0
SECONDS = 90.0
BOMB = 100
"""Messages of a megabyte in one batch, of which a codec makes 100 KB to 5 MB."""
MILLION = 1_000_000
GROWN_KB = 64 << 10
"""Four batches unpacked. With librdkafka it was 250 MB for a bomb and 320 MB for the million."""
LARGEST = {"max.message.bytes": str(16 << 20), "retention.ms": "-1"}

pytestmark = pytest.mark.integration

how_it_is_read = pytest.mark.parametrize("how", ["replay", "reader"])


def read(kafka: Reachable, how: str, batches: Sequence[bytearray]) -> dict[str, Any]:
    topic = f"bounded-{uuid4().hex}"
    admin = AdminClient({"bootstrap.servers": kafka.address})
    admin.create_topics([NewTopic(topic, 1, config=LARGEST)])[topic].result(WAIT)
    asyncio.run(send(kafka.address, topic, *batches))
    done = subprocess.run(
        [sys.executable, "-m", "tests.streams.reading_process", kafka.address, topic, how],
        capture_output=True,
        timeout=SECONDS,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@how_it_is_read
@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_a_bomb_is_passed_by(kafka: Reachable, codec: str, how: str) -> None:
    """What is before and behind it is read."""
    bomb = batch([bytes(1 << 20)] * BOMB, CODECS[codec])
    found = read(kafka, how, [batch([b"before"]), bomb, batch([b"after"])])
    assert (found["read"], found["passed"]) == (2, BOMB)
    assert found["grown_kb"] < GROWN_KB


@how_it_is_read
def test_a_million_small_messages_in_a_batch_are_read(kafka: Reachable, how: str) -> None:
    million = batch([b""] * MILLION, CODECS["gzip"], keys=[b""] * MILLION)
    found = read(kafka, how, [million, batch([b"after"])])
    assert (found["read"], found["passed"]) == (MILLION + 1, 0)
    assert found["grown_kb"] < GROWN_KB
