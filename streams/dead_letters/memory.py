"""Settled letters in memory."""

from collections.abc import Collection

from streams.dead_letters.letter import Place
from streams.dead_letters.store import How


class MemorySettled:
    """A SettledLetters in this process."""

    def __init__(self) -> None:
        self._settled: dict[Place, How] = {}

    async def settle(self, places: Collection[Place], how: How) -> None:
        for place in places:
            self._settled[place] = max(how, self._settled.get(place, how))

    async def settled(self, places: Collection[Place]) -> dict[Place, How]:
        return {place: self._settled[place] for place in places if place in self._settled}
