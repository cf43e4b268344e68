"""Resolutions of dead letters in Cassandra."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from schemas.ids import DAY_MS
from services.storage.session import Store
from services.storage.statements import insert, select
from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterId, DeadLetterKey
from streams.records import Partition

LIFE_SECONDS: Final = 60 * DAY_MS // 1_000
"""Dead letters live for 30 days, and for as long as Kafka keeps the open segment they are in."""
ROW_VERSION: Final = 1
"""Of every row: recording a resolution again writes the same value, or a larger one."""

_RECORD = insert(
    "settled_letters", "topic", "number", "place", "buried_at", "how", ttl=True, operation="settle"
)
_LOAD = select(
    "settled_letters",
    "settled",
    "place, buried_at, how",
    "WHERE topic = ? AND number = ? AND place IN ?",
)


class CassandraResolutions:
    """A DeadLetterResolutions in Cassandra."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def record(self, keys: Collection[DeadLetterKey], resolution: Resolution) -> None:
        await self._store.write(
            _RECORD.row(
                topic=key.id.topic,
                number=key.id.number,
                place=key.id.offset,
                buried_at=key.written_at,
                how=resolution,
                ttl=LIFE_SECONDS,
                version=ROW_VERSION,
            )
            for key in keys
        )

    async def load(self, keys: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        offsets: defaultdict[Partition, set[int]] = defaultdict(set)
        for (topic, number, offset), _ in keys:
            offsets[Partition(topic, number)].add(offset)
        found: dict[DeadLetterKey, Resolution] = {}
        for partition, some in offsets.items():
            for offset, written_at, how in await self._store.read(_LOAD, *partition, sorted(some)):
                found[DeadLetterKey(DeadLetterId(*partition, offset), written_at)] = how
        return {key: found[key] for key in keys if key in found}
