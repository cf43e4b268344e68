"""Port: which dead letters were redriven or dropped."""

from collections.abc import Collection
from typing import Literal, Protocol

from streams.dead_letters.stored import DeadLetterKey

Resolution = Literal["redriven", "dropped"]


class DeadLetterResolutions(Protocol):
    """Resolutions outlive the dead letters themselves."""

    async def record(self, keys: Collection[DeadLetterKey], resolution: Resolution) -> None:
        """Record how these dead letters were resolved. Idempotent. Raises StoreUnavailable.

        A dead letter that was both redriven and dropped counts as redriven.
        """

    async def load(self, keys: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        """Return the resolutions of these dead letters, where there are any.

        One store request for each partition of a dead-letter topic; some hundreds of keys at a
        time. Raises StoreUnavailable.
        """
