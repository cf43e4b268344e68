"""Generations in memory."""

from collections.abc import Collection, Mapping

from services.generations.generations import ORIGINAL, Generations
from services.generations.store import Acknowledgement


class MemoryGenerations:
    """A GenerationStore in this process. The homes themselves end with their last reader."""

    def __init__(self) -> None:
        self._list = ORIGINAL
        self._said: dict[str, Acknowledgement] = {}

    async def load(self) -> Generations:
        return self._list

    async def change(self, known: Generations, wanted: Generations) -> bool:
        if self._list != known:
            return False
        self._list = wanted
        return True

    async def create(self, name: str) -> None:
        """There are no tables."""

    async def drop(self, name: str) -> None:
        """There are no tables."""

    async def acknowledge(self, workers: Collection[str], said: Acknowledgement) -> None:
        for each in workers:
            self._said[each] = max(said, self._said.get(each, said))

    async def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        return dict(self._said)
