"""Resolutions of dead letters in memory."""

from collections.abc import Collection

from streams.dead_letters.store import Resolution
from streams.dead_letters.stored import DeadLetterKey


class MemoryResolutions:
    """A DeadLetterResolutions in this process."""

    def __init__(self) -> None:
        self._resolutions: dict[DeadLetterKey, Resolution] = {}

    async def record(self, keys: Collection[DeadLetterKey], resolution: Resolution) -> None:
        for key in keys:
            self._resolutions[key] = max(resolution, self._resolutions.get(key, resolution))

    async def load(self, keys: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        return {key: self._resolutions[key] for key in keys if key in self._resolutions}
