"""Port: the follow graph."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, UserId
from services.graph.edge import Edge, EdgeMutation


class SlotRange(NamedTuple):
    """The followers of an author whose slots are in [slot_from, slot_to)."""

    author_id: UserId
    slot_from: int
    slot_to: int


class GraphStore(Protocol):
    """Follow edges, seen from both ends. Recording is idempotent and commutative."""

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        """Merges the mutations; on return both ends are durable. Raises StoreUnavailable."""

    async def edges(self, follower: UserId, followees: Collection[UserId]) -> dict[UserId, Edge]:
        """The edges from `follower` that are there now, by followee; removed ones are left out.

        One store request for up to 1,000 followees. Raises StoreUnavailable.
        """

    async def followees(self, follower: UserId, *, after: UserId, limit: int) -> list[Edge]:
        """Up to `limit` edges to ids above `after`, ascending. Raises StoreUnavailable."""

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        """The followers in each range, in any order, each once; removed ones are left out.

        Every edge is seen whose `record` returned before this call began: fan-out and backfill
        rely on it. Raises StoreUnavailable.
        """

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        """How many followers each author has, within a fifth or so; it decides only cost.

        An author is left out, or has 0, only where no edge to him was recorded before this call
        began (removed ones may count). Raises StoreUnavailable.
        """
