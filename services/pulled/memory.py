"""Flags of pulled authors in memory."""

from collections.abc import Collection

from services.pulled.store import Flag


class MemoryPulled:
    """A PulledStore in this process."""

    def __init__(self) -> None:
        self._flags: set[Flag] = set()

    async def flag(self, flags: Collection[Flag]) -> None:
        self._flags.update(flags)

    async def flagged(self, first: int) -> set[Flag]:
        return {each for each in self._flags if each.bucket >= first}
