"""Home timelines in generations: all are written, one is read."""

import asyncio
from collections.abc import Callable, Sequence

from services.generations.generations import GenerationKey, Generations
from services.generations.view import GenerationsView
from services.timelines.store import EntryBlock, HomeGeneration


class GenerationalHomeTimelines:
    """A HomeTimelineStore that goes by a list of generations, and opens each by its name."""

    def __init__(
        self, view: GenerationsView, open_generation: Callable[[str], HomeGeneration]
    ) -> None:
        self._view = view
        self._open = open_generation
        self._opened: dict[GenerationKey, HomeGeneration] = {}

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        known = await self._view.current()
        await asyncio.gather(*(self._add(known, each.key, blocks) for each in known.written))

    async def pin(self) -> HomeGeneration:
        known = await self._view.current()
        return self._of(known, known.read.key)

    async def refresh(self) -> int:
        return (await self._view.refresh()).number

    async def _add(
        self, known: Generations, key: GenerationKey, blocks: Sequence[EntryBlock]
    ) -> None:
        try:
            await self._of(known, key).add_home_entries(blocks)
        except Exception:
            # The generation may have retired, and its tables be gone: then nothing is missing.
            if (await self._view.refresh()).writes(key):
                raise

    def _of(self, known: Generations, key: GenerationKey) -> HomeGeneration:
        for gone in self._opened.keys() - {each.key for each in known.listed}:
            del self._opened[gone]  # with what it remembers of tables that may be made anew
        if key not in self._opened:
            self._opened[key] = self._open(key.name)
        return self._opened[key]
