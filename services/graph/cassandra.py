"""The follow graph in Cassandra: each edge from both ends."""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from schemas.ids import IdArray, UserId, Version
from services.graph.edge import OPTIONS, Edge, EdgeMutation, edge
from services.graph.follower_lists import PART_ROWS, FollowerLists
from services.graph.store import SlotRange
from services.storage.session import Store
from services.storage.statements import Row, insert, portions, select

_RECORD = ("follower_id", "followee_id", "removed")
_FOLLOW = insert("followees", *_RECORD, *OPTIONS, operation="follow")
_UNFOLLOW = insert("followees", *_RECORD, operation="unfollow")
_EDGE = f"followee_id, removed, writetime(removed), {', '.join(OPTIONS)}"
_EDGES = select("followees", "edges", _EDGE, "WHERE follower_id = ? AND followee_id IN ?")
_PAGE = select("followees", "page", _EDGE, "WHERE follower_id = ? AND followee_id > ? LIMIT ?")


class CassandraGraph:
    """A GraphStore in Cassandra. A follower list has parts of some `part_rows` rows."""

    def __init__(self, store: Store, part_rows: int = PART_ROWS) -> None:
        self._store = store
        self._lists = FollowerLists(store, part_rows)

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        if mutations:
            await asyncio.gather(
                self._store.write(_row(each) for each in mutations), self._lists.record(mutations)
            )

    async def edges(self, follower: UserId, followees: Collection[UserId]) -> dict[UserId, Edge]:
        asked = (self._store.read(_EDGES, follower, part) for part in portions(followees))
        rows = [row for part in await asyncio.gather(*asked) for row in part]
        return {edge.followee_id: edge for edge in _live(follower, rows)}

    async def followees(self, follower: UserId, *, after: UserId, limit: int) -> list[Edge]:
        found: list[Edge] = []
        while len(found) < limit:
            rows = await self._store.read(_PAGE, follower, after, limit)
            found += _live(follower, rows)
            if len(rows) < limit:
                break
            after = rows[-1][0]
        return found[:limit]

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        return await self._lists.read(ranges)

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        return await self._lists.counts(authors)


def _row(mutation: EdgeMutation) -> Row:
    statement = _FOLLOW if mutation.options else _UNFOLLOW
    return statement.row(
        follower_id=mutation.follower_id,
        followee_id=mutation.followee_id,
        removed=mutation.removed,
        version=mutation.version,
        **mutation.options,
    )


def _live(follower: UserId, rows: Iterable[tuple[Any, ...]]) -> Iterator[Edge]:
    for followee, removed, version, *options in rows:
        if not removed:
            stated = dict(zip(OPTIONS, options, strict=True))
            yield edge(follower, UserId(followee), Version(version), stated)
