"""Port: which dead letters were sent back or dropped."""

from collections.abc import Collection
from typing import Literal, Protocol

from streams.dead_letters.stored import DeadLetterKey

Resolution = Literal["redriven", "dropped"]


class DeadLetterResolutions(Protocol):
    """Kept for longer than the letters themselves."""

    async def settle(self, places: Collection[DeadLetterKey], how: Resolution) -> None:
        """Keeps what became of these letters. Idempotent. Raises StoreUnavailable.

        One that was both redriven and dropped was redriven.
        """

    async def settled(self, places: Collection[DeadLetterKey]) -> dict[DeadLetterKey, Resolution]:
        """Those of these letters that are settled. Raises StoreUnavailable.

        One store request for each partition of a dead-letter topic; some hundreds at a time.
        """
