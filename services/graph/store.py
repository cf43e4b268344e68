"""Port: the followers of each author."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, UserId
from services.graph.edge import EdgeMutation


class SlotRange(NamedTuple):
    """The followers of an author whose slots are in [slot_from, slot_to)."""

    author_id: UserId
    slot_from: int
    slot_to: int


class GraphStore(Protocol):
    """Who follows an author. Recording is idempotent and commutative.

    `services.relations.store` decides whether an edge holds and which options it has. A follower
    whose edge a block has ended is still listed here.
    """

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        """Merge the mutations. Durable on return. Raises StoreUnavailable."""

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        """Return the followers in each range, in any order, each once; removed ones are left out.

        It sees every edge whose `record` returned before this call began, which fan-out and
        backfill rely on. Raises StoreUnavailable.
        """

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        """Return how many followers each author has, within about a fifth: it decides only cost.

        An author is left out, or has 0, only if no edge to them was recorded before this call
        began. Removed edges may count. Raises StoreUnavailable.
        """
