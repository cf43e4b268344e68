"""Port: the followers of each author."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from schemas.ids import IdArray, UserId
from services.graph.edge import EdgeMutation


class SlotRange(NamedTuple):
    """The followers of an author whose slots are in [slot_from, slot_to)."""

    author_id: UserId
    slot_from: int
    slot_to: int


Place: TypeAlias = Sequence[int]
"""Where a listing of all edges goes on: an adapter's own."""


class EdgePage(NamedTuple):
    """Some followers, ended edges included, and where to go on; None at the end."""

    followers: list[UserId]
    next: Place | None


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

    async def edges_to(self, author: UserId, after: Place | None, limit: int) -> EdgePage:
        """Return about `limit` users who follow or ever followed, beyond a place.

        For erasures. One store request and the author's level. Raises StoreUnavailable.
        """

    async def erase_edges(self, edges: Sequence[tuple[UserId, UserId]]) -> None:
        """Erase edges, each a follower and a followee, from the followees' lists.

        What was recorded by now is gone; writers must record these no more. Durable on return.
        Raises StoreUnavailable.
        """

    async def erase_author(self, author: UserId) -> None:
        """Erase the whole list of an author, as `erase_edges` does. Raises StoreUnavailable."""
