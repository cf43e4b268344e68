"""Settled letters in memory."""

from collections.abc import Collection

from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterKey


class MemoryResolutions:
    """A SettledLetters in this process."""

    def __init__(self) -> None:
        self._settled: dict[DeadLetterKey, Resolution] = {}

    async def settle(self, places: Collection[DeadLetterKey], how: Resolution) -> None:
        for place in places:
            self._settled[place] = max(how, self._settled.get(place, how))

    async def settled(self, places: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        return {place: self._settled[place] for place in places if place in self._settled}
