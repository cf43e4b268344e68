"""The follow graph in memory."""

from collections.abc import Collection, Sequence

import numpy as np

from schemas.canonical import Canonical
from schemas.ids import IdArray, UserId, Version, slots
from services.graph.edge import Edge, EdgeMutation, edge
from services.graph.store import SlotRange


class _Cells:
    """What is known of one edge."""

    def __init__(self) -> None:
        self.removed: tuple[Version, bool] = (Version(-1), False)
        self.options: dict[str, tuple[Version, Canonical]] = {}

    def merge(self, mutation: EdgeMutation) -> None:
        self.removed = max(self.removed, (mutation.version, mutation.removed))
        for name, value in mutation.options.items():
            said = (mutation.version, value)
            self.options[name] = max(self.options.get(name, said), said)

    def edge(self, follower: UserId, followee: UserId) -> Edge | None:
        version, removed = self.removed
        if removed:
            return None
        options = {name: cell[1] for name, cell in self.options.items()}
        return edge(follower, followee, version, options)


class MemoryGraph:
    """A GraphStore in this process."""

    def __init__(self) -> None:
        self._followees: dict[UserId, dict[UserId, _Cells]] = {}
        self._followers: dict[UserId, dict[UserId, _Cells]] = {}

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        for mutation in mutations:
            follower, followee = mutation.follower_id, mutation.followee_id
            mine = self._followees.setdefault(follower, {})
            cells = mine.setdefault(followee, _Cells())
            cells.merge(mutation)
            self._followers.setdefault(followee, {})[follower] = cells

    async def edges(self, follower: UserId, followees: Collection[UserId]) -> dict[UserId, Edge]:
        mine = self._followees.get(follower, {})
        found = {each: mine[each].edge(follower, each) for each in followees if each in mine}
        return {each: edge for each, edge in found.items() if edge is not None}

    async def followees(self, follower: UserId, *, after: UserId, limit: int) -> list[Edge]:
        mine = self._followees.get(follower, {})
        later = sorted(followee for followee in mine if followee > after)
        edges = (mine[followee].edge(follower, followee) for followee in later)
        return [edge for edge in edges if edge is not None][:limit]

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        return [self._in_range(each) for each in ranges]

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        return {author: len(self._followers.get(author, {})) for author in authors}

    def _in_range(self, wanted: SlotRange) -> IdArray:
        rows = self._followers.get(wanted.author_id, {})
        live = np.array([each for each, cells in rows.items() if not cells.removed[1]], np.int64)
        places = slots(live)
        return live[(places >= wanted.slot_from) & (places < wanted.slot_to)]
