"""The list of generations as one process knows it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from services.errors import StoreUnavailable
from services.generations.generations import Generations

FRESH_SECONDS: Final = 1.0
"""How long a process uses a list that it has read. Every page that begins this much later, plus the
time of a store request, sees a cutover. It costs each process a read of one row a second."""


class GenerationsView(Protocol):
    """The list that a process uses."""

    async def current(self) -> Generations:
        """Return the list as read at most FRESH_SECONDS ago. Raises StoreUnavailable."""

    async def refresh(self) -> Generations:
        """Read the list; `current` never returns an older one again. Raises StoreUnavailable."""


class FollowedGenerations:
    """Uses the list in the store."""

    def __init__(
        self,
        load: Callable[[], Awaitable[Generations]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._now = now
        self._known: Generations | None = None
        self._read_at = 0.0
        self._reading: asyncio.Task[Generations] | None = None

    async def current(self) -> Generations:
        if self._known is not None and self._now() - self._read_at < FRESH_SECONDS:
            return self._known
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self.refresh())
            self._reading.add_done_callback(_retrieve_error)
        return await asyncio.shield(self._reading)  # concurrent callers share one read

    async def refresh(self) -> Generations:
        asked_at = self._now()
        found = await self._load()
        if self._known is None or found.number >= self._known.number:
            self._known = found
        self._read_at = max(self._read_at, asked_at)
        return self._known


class FixedGeneration:
    """Uses one generation of the list alone: to fill it, or to read it before a cutover."""

    def __init__(self, view: GenerationsView, name: str) -> None:
        self._view = view
        self._name = name

    async def current(self) -> Generations:
        return self._narrow(await self._view.current())

    async def refresh(self) -> Generations:
        return self._narrow(await self._view.refresh())

    def _narrow(self, known: Generations) -> Generations:
        """Raise StoreUnavailable where the generation is not listed yet, or no longer written."""
        found = known.get(self._name)
        if found is None or not found.is_written:
            raise StoreUnavailable(f"there is no generation {self._name}")
        return Generations(known.number, live=found.name, listed=(found,))


def _retrieve_error(reading: asyncio.Task[Generations]) -> None:
    """Retrieve the error, which asyncio would log if every caller is gone."""
    if not reading.cancelled():
        reading.exception()
