"""Settled letters in Cassandra."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from schemas.ids import DAY_MS
from services.storage.session import Store
from services.storage.statements import insert, select
from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterId, DeadLetterKey

LIFE_SECONDS: Final = 60 * DAY_MS // 1_000
"""Letters live 30 days, and as much longer as Kafka keeps the segment open that they are in."""
SETTLED_VERSION: Final = 1
"""Of every row: whoever settles a letter again writes the same, or what is larger."""

_SETTLE = insert(
    "settled_letters", "topic", "number", "place", "buried_at", "how", ttl=True, operation="settle"
)
_SETTLED = select(
    "settled_letters",
    "settled",
    "place, buried_at, how",
    "WHERE topic = ? AND number = ? AND place IN ?",
)


class CassandraResolutions:
    """A SettledLetters in Cassandra."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def settle(self, places: Collection[DeadLetterKey], how: Resolution) -> None:
        await self._store.write(
            _SETTLE.row(
                topic=place.id.topic,
                number=place.id.number,
                place=place.id.offset,
                buried_at=place.buried_at,
                how=how,
                ttl=LIFE_SECONDS,
                version=SETTLED_VERSION,
            )
            for place in places
        )

    async def settled(self, places: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        asked: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
        for (topic, number, offset), _ in places:
            asked[topic, number].append(offset)
        found: dict[DeadLetterKey, Resolution] = {}
        for (topic, number), offsets in asked.items():
            for offset, buried_at, how in await self._store.read(
                _SETTLED, topic, number, sorted(set(offsets))
            ):
                found[DeadLetterKey(DeadLetterId(topic, number, offset), buried_at)] = how
        wanted = set(places)
        return {place: how for place, how in found.items() if place in wanted}
