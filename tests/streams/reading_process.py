"""Reads a topic as a replay or as a tool does, in its own process, and says what that took."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from services.settings.brokers import Brokers
from streams.kafka.reader import TopicReader
from streams.records import OffsetRange, Partition, Record, UnreadableRecord
from streams.replay.consumer import ReplayConsumer
from streams.replay.plan import Source

SECONDS = 60.0
AT_ONCE = 5_000
"""As a replay polls."""


def peak_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(each for each in lines if each.startswith("VmHWM")).split()[1])


async def replay(brokers: Brokers, spans: list[OffsetRange]) -> tuple[int, int]:
    """Return how many records a replay receives, and how many offsets it passes by."""
    read = passed = 0

    async def on_assigned(_: set[Partition]) -> None: ...
    async def on_revoked() -> Mapping[Partition, int]:
        return {}

    def count(record: Record) -> None:
        nonlocal read, passed
        if isinstance(record, UnreadableRecord):
            passed += record.last_offset - record.offset + 1
        else:
            read += 1

    sources = [Source(*each) for each in spans]
    ended: set[Partition] = set()
    async with ReplayConsumer(brokers, "bounded", sources, on_assigned, on_revoked) as consumer:
        while len(ended) < len(sources):
            polled = await consumer.poll(AT_ONCE, 0.2, ended)
            ended |= polled.ended
            for records in polled.records.values():
                for each in records:
                    count(each)
    return read, passed


async def main(address: str, topic: str, how: str) -> None:
    async with asyncio.timeout(SECONDS):
        brokers = Brokers(address)
        with TopicReader(brokers) as reader:
            spans = await asyncio.to_thread(reader.spans, [topic])
            began = peak_kb()
            if how == "replay":
                read, passed = await replay(brokers, spans)
            else:
                read = await asyncio.to_thread(lambda: sum(1 for _ in reader.read_all(spans)))
                passed = sum(each.end - each.first for each in spans) - read
    found = {"read": read, "passed": passed, "grown_kb": peak_kb() - began}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
