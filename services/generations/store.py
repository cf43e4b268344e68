"""Port: the list of generations, and who goes by which list."""

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from services.generations.generations import Generations


class Acknowledgement(NamedTuple):
    """That a worker goes by this list or a newer one, since `at` (milliseconds)."""

    number: int
    at: int


class GenerationStore(Protocol):
    """One list for all processes. Every method raises StoreUnavailable."""

    async def load(self) -> Generations:
        """The list; every change is seen by each `load` that begins after it was made."""

    async def change(self, known: Generations, wanted: Generations) -> bool:
        """Puts `wanted`, whose number is the next one, in place of `known`.

        Where somebody else was first nothing is changed, and False is returned. After an error it
        may have been changed, or may be yet.
        """

    async def create(self, name: str) -> None:
        """Makes the tables of a generation, where they are not there. Safe by several at once."""

    async def drop(self, name: str) -> None:
        """Takes the tables of a generation away with all that is in them; the first's are emptied.

        Nobody may write them any more. Safe to do again.
        """

    async def acknowledge(self, workers: Collection[str], said: Acknowledgement) -> None:
        """Keeps that these workers go by a list; of several the newest is kept. Idempotent."""

    async def acknowledgements(self) -> Mapping[str, Acknowledgement]:
        """By worker: what each has said, whether it still lives or not."""
