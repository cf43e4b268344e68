"""Port: the list of generations, and which list each worker uses."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from services.generations.generations import Generations


class Acknowledgement(NamedTuple):
    """A worker uses the list of this number or a newer one, since `at` (milliseconds)."""

    number: int
    at: int


class GenerationStore(Protocol):
    """One list for all processes. Every method raises StoreUnavailable."""

    async def load(self) -> Generations:
        """Return the list, with every change made before this call."""

    async def change(self, known: Generations, wanted: Generations) -> bool:
        """Replace `known` by `wanted`, whose number is the next one; return whether it was done.

        False means that another change came first, and nothing was changed. After an error the list
        may have been changed, or may be yet.
        """

    async def create(self, name: str) -> None:
        """Create a generation's tables unless they exist. Safe to call concurrently."""

    async def drop(self, name: str) -> None:
        """Drop a generation's tables; those of the first are emptied instead.

        Nobody may write to them any more. Safe to repeat.
        """

    async def acknowledge(self, workers: Collection[str], acknowledgement: Acknowledgement) -> None:
        """Record that these workers use a list; each worker's newest is kept. Idempotent."""

    async def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        """Return the newest acknowledgement of every worker, alive or not."""
