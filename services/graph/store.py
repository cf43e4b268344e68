"""Port: the follower lists."""

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

    Whether a follow edge is there, and with which options, is the follower's to say:
    `services.relations.store`. A follower whose edge a block has ended is still listed here.
    """

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        """Merges the mutations; durable on return. Raises StoreUnavailable."""

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
