"""Until when topics keep what was written to them by now."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.ids import DAY_MS
from streams.kafka.topics import ActualTopic


class Kept(NamedTuple):
    """How a topic keeps messages: until when (milliseconds), None for no end, and why."""

    topic: str
    until: int | None
    why: str


def kept_until(topics: Mapping[str, ActualTopic], written_at: int) -> list[Kept]:
    """Return for each topic until when it keeps what was written at that time, at most.

    A segment is deleted once its newest message is past the retention, and is written to for
    `segment.ms` at most.
    """
    return [_kept(name, topic.config, written_at) for name, topic in sorted(topics.items())]


def _kept(name: str, config: Mapping[str, str], written_at: int) -> Kept:
    if "delete" not in config["cleanup.policy"]:
        return Kept(name, None, "compacted: the newest message of each key")
    retention, segment = int(config["retention.ms"]), int(config["segment.ms"])
    if retention < 0:
        return Kept(name, None, "retention.ms is -1: until an operator shortens it")
    days = (retention + segment) / DAY_MS
    return Kept(name, written_at + retention + segment, f"retention and segment: {days:g} days")
