"""Generations in memory."""

from collections.abc import Collection, Mapping

from services.generations.generations import ORIGINAL, Generations
from services.generations.store import Acknowledgement


class MemoryGenerations:
    """A GenerationStore in this process, which has no tables."""

    def __init__(self) -> None:
        self._list = ORIGINAL
        self._acknowledged: dict[str, Acknowledgement] = {}

    async def load(self) -> Generations:
        return self._list

    async def change(self, known: Generations, wanted: Generations) -> bool:
        if self._list != known:
            return False
        self._list = wanted
        return True

    async def create(self, name: str) -> None:
        """Do nothing."""

    async def drop(self, name: str) -> None:
        """Do nothing."""

    async def acknowledge(self, workers: Collection[str], acknowledgement: Acknowledgement) -> None:
        for each in workers:
            self._acknowledged[each] = max(
                acknowledgement, self._acknowledged.get(each, acknowledgement)
            )

    async def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        return dict(self._acknowledged)
