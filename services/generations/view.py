"""What one process knows of the generations."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from services.errors import StoreUnavailable
from services.generations.generations import Generations

FRESH_SECONDS: Final = 1.0
"""How long a process goes by the list that it has read: a cutover is seen by every page that begins
so much later, and the time of a store request. It costs a process a read of one row a second."""


class GenerationsView(Protocol):
    """The list that a process goes by."""

    async def current(self) -> Generations:
        """The list, read no longer than FRESH_SECONDS ago. Raises StoreUnavailable."""

    async def refresh(self) -> Generations:
        """The list, read now; `current` never gives an older one again. Raises StoreUnavailable."""


class FollowedGenerations:
    """Goes by the list in the store."""

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
            self._reading.add_done_callback(_heard)
        return await asyncio.shield(self._reading)  # whoever asks meanwhile shares the answer

    async def refresh(self) -> Generations:
        asked_at = self._now()
        found = await self._load()
        if self._known is None or found.number >= self._known.number:
            self._known = found
        self._read_at = max(self._read_at, asked_at)
        return self._known


class FixedGeneration:
    """Goes by one generation of the list: to fill it, or to look at it before a cutover."""

    def __init__(self, following: GenerationsView, name: str) -> None:
        self._following = following
        self._name = name

    async def current(self) -> Generations:
        return self._narrowed(await self._following.current())

    async def refresh(self) -> Generations:
        return self._narrowed(await self._following.refresh())

    def _narrowed(self, known: Generations) -> Generations:
        """Raises StoreUnavailable where it is not there yet, or no more."""
        found = known.get(self._name)
        if found is None or not found.is_written:
            raise StoreUnavailable(f"there is no generation {self._name}")
        return Generations(known.number, live=found.name, listed=(found,))


def _heard(reading: asyncio.Task[Generations]) -> None:
    """Whoever asked may be gone; then nobody else is to be told of an error."""
    if not reading.cancelled():
        reading.exception()
