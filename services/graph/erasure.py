"""Erases accounts from follower lists, and from the packs that were made of these.

Rows are removed with a timestamp above that of every fact, packs with the present: a blob that is
read from the rows later stays. A reader who keeps a blob that it read before may name a follower
who is gone for another week; nobody reads that follower's home.
"""

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np

from schemas.ids import UserId, slot
from services.clock import Clock
from services.graph.levels import SMALL, parts_of, read_heads, width_of
from services.graph.packs import Pack, earlier_packs
from services.graph.store import EdgePage, Place
from services.storage.session import Store
from services.storage.statements import ERASED, Column, Row, delete, select

_LIST = ("followee_id", "level", "part")
_CHUNK = ("followee_id", "pack", "chunk")
_EDGES = select(
    "followers",
    "edges",
    "slot, follower_id",
    "WHERE followee_id = ? AND level = ? AND part = ? AND (slot, follower_id) > (?, ?) LIMIT ?",
)
_REMOVE = delete("followers", *_LIST, "slot", "follower_id", operation="erase")
_REMOVE_LIST = delete("followers", *_LIST, operation="erase-list")
_REMOVE_HEAD = delete("follower_levels", "followee_id", operation="erase")
_REMOVE_BLOB = delete("follower_packs", *_CHUNK, operation="erase")
_REMOVE_CHANGE = delete("follower_changes", *_CHUNK, "follower_id", operation="erase")
_REMOVE_CHANGES = delete("follower_changes", *_CHUNK, operation="erase-list")


class ErasedEdges:
    """The part of `CassandraGraph` that erases. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def edges_to(self, author: UserId, after: Place | None, limit: int) -> EdgePage:
        """Return a page of one part of the list, which may be empty."""
        deepest = (await read_heads(self._store, [author])).get(author, SMALL).level
        level, part, *place = after or (0, 0, -1, 0)
        rows = await self._store.read(_EDGES, author, level, part, *place, limit)
        found = [UserId(follower) for _, follower in rows]
        if len(rows) == limit:
            return EdgePage(found, [level, part, *rows[-1]])
        if part + 1 < parts_of(level):
            return EdgePage(found, [level, part + 1, -1, 0])
        return EdgePage(found, [level + 1, 0, -1, 0] if level < deepest else None)

    async def erase_edges(self, edges: Sequence[tuple[UserId, UserId]]) -> None:
        """Remove rows at each level, the blobs that name a follower, and that they changed."""
        heads = await read_heads(self._store, [followee for _, followee in edges])
        now = self._clock() * 1_000
        await self._store.write(
            row
            for follower, followee in edges
            for head in (heads.get(followee, SMALL),)
            for rows in (
                _edge_rows(follower, followee, head.level),
                _pack_rows(follower, Pack(followee, head.pack), now),
            )
            for row in rows
        )

    async def erase_author(self, author: UserId) -> None:
        """Remove all parts of the list and of its packs, then what says where they are."""
        head = (await read_heads(self._store, [author])).get(author, SMALL)
        for level in range(head.level + 1):
            parts = np.arange(parts_of(level))
            await self._store.write_columns(
                _REMOVE_LIST,
                {"followee_id": author, "level": level, "part": parts, "version": ERASED},
            )
        for pack in earlier_packs(Pack(author, head.pack)):
            await self._erase_pack(pack)
        await self._store.write([_REMOVE_HEAD.row(followee_id=author, version=ERASED)])

    async def _erase_pack(self, pack: Pack) -> None:
        chunks: dict[str, Column] = {
            "followee_id": pack.author_id,
            "pack": pack.number,
            "chunk": np.arange(pack.chunk_count),
            "version": self._clock() * 1_000,
        }
        await asyncio.gather(
            self._store.write_columns(_REMOVE_BLOB, chunks),
            self._store.write_columns(_REMOVE_CHANGES, chunks),
        )


def _edge_rows(follower: UserId, followee: UserId, deepest: int) -> Iterator[Row]:
    place = slot(follower)
    for level in range(deepest + 1):
        yield _REMOVE.row(
            followee_id=followee,
            level=level,
            part=place // width_of(level),
            slot=place,
            follower_id=follower,
            version=ERASED,
        )


def _pack_rows(follower: UserId, newest: Pack, now: int) -> Iterator[Row]:
    for pack in earlier_packs(newest):
        key = {
            "followee_id": pack.author_id,
            "pack": pack.number,
            "chunk": slot(follower) // pack.width,
        }
        yield _REMOVE_BLOB.row(**key, version=now)
        yield _REMOVE_CHANGE.row(**key, follower_id=follower, version=now)
