"""The follow graph in memory."""

from collections.abc import Collection, Sequence

import numpy as np

from schemas.ids import IdArray, UserId, Version, slots
from services.graph.edge import EdgeMutation
from services.graph.store import EdgePage, Place, SlotRange


class MemoryGraph:
    """A GraphStore in this process."""

    def __init__(self) -> None:
        self._followers: dict[UserId, dict[UserId, tuple[Version, bool]]] = {}

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        for follower, followee, version, removed in mutations:
            theirs = self._followers.setdefault(followee, {})
            state = (version, removed)
            theirs[follower] = max(theirs.get(follower, state), state)

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        return [self._in_range(each) for each in ranges]

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        return {author: len(self._followers.get(author, {})) for author in authors}

    async def edges_to(self, author: UserId, after: Place | None, limit: int) -> EdgePage:
        start = -1 if after is None else after[0]
        later = sorted(each for each in self._followers.get(author, {}) if each > start)
        return EdgePage(later[:limit], later[limit - 1 : limit] if len(later) > limit else None)

    async def erase_edges(self, edges: Sequence[tuple[UserId, UserId]]) -> None:
        for follower, followee in edges:
            self._followers.get(followee, {}).pop(follower, None)

    async def erase_author(self, author: UserId) -> None:
        self._followers.pop(author, None)

    def _in_range(self, span: SlotRange) -> IdArray:
        edges = self._followers.get(span.author_id, {})
        live = np.array([each for each, (_, removed) in edges.items() if not removed], np.int64)
        places = slots(live)
        return live[(places >= span.slot_from) & (places < span.slot_to)]
