"""The followers of each author in Cassandra, by slot, in partitions that grow in number with them.

A list begins at level 0, in one part. When a part is full the author's level rises, and later edges
are written to 16 times as many parts, each a range of slots. Nothing is moved: readers read all
levels up to the author's, and the highest version of an edge wins. A writer that does not know the
new level yet does no harm.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.ids import SLOTS, IdArray, UserId, slots
from services.clock import Clock
from services.graph.edge import EdgeMutation
from services.graph.erasure import ErasedEdges
from services.graph.levels import (
    LEVEL_BITS,
    MAX_LEVEL,
    SMALL,
    ListHead,
    parts_of,
    read_heads,
    width_of,
)
from services.graph.packs import CHANGES, FollowerPacks, Pack, next_pack_number
from services.graph.store import EdgePage, Place, SlotRange
from services.storage.session import Store
from services.storage.statements import insert, key_chunks, select

PART_ROWS = 250_000
"""Rows of a part before the next level begins: 10 MB."""
CHECK_EVERY = 1_024
"""One follower in so many, by slot, makes the writer check how full the part is."""
SAMPLE = 128
"""Followers read to estimate their number, within 9 % (one standard deviation)."""
PACKED_FROM = 1_000
"""Followers from which a list has packs: reading the rows of so many costs the store 5 ms, their
pack and its changes 0.3 ms."""
LISTS_AT_ONCE = 64
"""Follower lists in one request: 10 MB, if each is as long as a fan-out page."""

_ADD = insert("followers", "followee_id", "level", "part", "slot", "follower_id", "removed")
_RAISE = insert("follower_levels", "followee_id", "level", operation="raise")
_LISTS = select(
    "followers",
    "page",
    "followee_id, follower_id, removed",
    "WHERE followee_id IN ? AND level = ? AND part IN ? AND slot >= ? AND slot < ?",
)
_VERSIONS = select(
    "followers",
    "versions",
    "follower_id, removed, writetime(removed) AS version",
    "WHERE followee_id = ? AND level = ? AND part IN ? AND (slot, follower_id) IN ?",
)
_FIRST = select(
    "followers",
    "sample",
    "followee_id, slot",
    "WHERE followee_id IN ? AND level = ? AND part = ? PER PARTITION LIMIT ?",
)


_NOBODY = np.array([], np.int64)


class _Edges(NamedTuple):
    """The edges to one author at one level, by column, each follower once."""

    followers: IdArray
    removed: NDArray[np.bool_]


class _Merged(NamedTuple):
    """The edges of all levels: live followers, and followers on whom the levels disagree."""

    live: IdArray
    unsure: IdArray


class CassandraGraph:
    """A GraphStore in Cassandra, with parts of about `part_rows` rows.

    Lists of `packed_from` followers and more are read from packs with up to `changes` a chunk.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        part_rows: int = PART_ROWS,
        packed_from: int = PACKED_FROM,
        changes: int = CHANGES,
    ) -> None:
        self._store = store
        self._part_rows = part_rows
        self._packed_from = packed_from
        self._packs = FollowerPacks(store, clock, changes)
        self._erasure = ErasedEdges(store, clock)

    async def record(self, mutations: Sequence[EdgeMutation]) -> None:
        """Write each edge at its author's level, and raise the level where a part is full.

        The pack's number is read when the edges are durable: `services.graph.packs` says why.
        """
        if not mutations:
            return
        authors = np.array([each.followee_id for each in mutations], np.int64)
        followers = np.array([each.follower_id for each in mutations], np.int64)
        heads = await self._heads(authors.tolist())
        levels = np.array([heads.get(each, SMALL).level for each in authors.tolist()], np.int64)
        places = slots(followers)
        parts = places // _width(levels)
        await self._store.write_columns(
            _ADD,
            {
                "followee_id": authors,
                "level": levels,
                "part": parts,
                "slot": places,
                "follower_id": followers,
                "removed": np.array([each.removed for each in mutations]),
                "version": np.array([each.version for each in mutations], np.int64),
            },
        )
        heads = await self._heads(authors.tolist())
        packs = np.array([heads.get(each, SMALL).pack for each in authors.tolist()], np.int64)
        await self._packs.add_changes(authors, packs, followers)
        checked = places % CHECK_EVERY == 0
        checks = {*zip(*(each[checked].tolist() for each in (authors, levels, parts)), strict=True)}
        await asyncio.gather(*(self._raise_if_full(*each) for each in checks))

    async def followers(self, ranges: Sequence[SlotRange]) -> list[IdArray]:
        """Read packs, or else rows; begin packs of lists that turn out to be long."""
        heads = await self._heads([each.author_id for each in ranges])
        packed = {each for each in ranges if heads.get(each.author_id, SMALL).pack}
        rows = [each for each in dict.fromkeys(ranges) if each not in packed]
        reading = (self._from_pack(each, heads[each.author_id]) for each in packed)
        found, unpacked = await asyncio.gather(
            self._from_rows(rows, heads), asyncio.gather(*reading)
        )
        await self._begin_packs(found)
        found |= zip(packed, unpacked, strict=True)
        return [found[each] for each in ranges]

    async def _from_rows(
        self, ranges: Sequence[SlotRange], heads: Mapping[UserId, ListHead]
    ) -> dict[SlotRange, IdArray]:
        shallow = await self._shallow(ranges)
        lists = (
            self._deepened(each, shallow.get(each), heads.get(each.author_id, SMALL).level)
            for each in ranges
        )
        return dict(zip(ranges, await asyncio.gather(*lists), strict=True))

    async def _from_pack(self, span: SlotRange, head: ListHead) -> IdArray:
        author, start, end = span
        pack = Pack(author, head.pack)
        chunks = pack.chunks(start, end)
        held = await self._packs.read(pack, chunks)
        if len(held.blobs) == len(chunks):
            kept, changed = np.concatenate(list(held.blobs.values())), held.changed
            newest = (
                self._newest(author, part, head.level) for part in key_chunks(changed.tolist())
            )
            unchanged = kept[np.isin(kept, changed, invert=True)]
            followers = np.concatenate([unchanged, *(await asyncio.gather(*newest))])
        else:
            whole = SlotRange(author, chunks[0] * pack.width, (chunks[-1] + 1) * pack.width)
            followers = (await self._from_rows([whole], {author: head}))[whole]
            if held.is_full:
                count = len(followers) * SLOTS // (whole.slot_to - whole.slot_from)
                await self._packs.begin([Pack(author, next_pack_number(head.pack, count))])
            else:
                await self._packs.write(pack, chunks, followers)
        places = slots(followers)
        return followers[(places >= start) & (places < end)]

    async def _begin_packs(self, found: Mapping[SlotRange, IdArray]) -> None:
        """Begin packs of lists that are long, judging by these ranges of them."""
        counts = {
            author: len(followers) * SLOTS // (end - start)
            for (author, start, end), followers in found.items()
        }
        long = {author: count for author, count in counts.items() if count >= self._packed_from}
        await self._packs.begin(
            [Pack(author, next_pack_number(0, long[author])) for author in long]
        )

    async def follower_counts(self, authors: Collection[UserId]) -> dict[UserId, int]:
        """Estimate from the density of the first followers; exact below SAMPLE at level 0."""
        counts, heads = await asyncio.gather(self._estimates(authors, 0), self._heads(authors))
        for level in range(1, max((head.level for head in heads.values()), default=0) + 1):
            deep = [author for author in authors if heads.get(author, SMALL).level >= level]
            for author, count in (await self._estimates(deep, level)).items():
                counts[author] = counts.get(author, 0) + count
        return counts

    async def edges_to(self, author: UserId, after: Place | None, limit: int) -> EdgePage:
        return await self._erasure.edges_to(author, after, limit)

    async def erase_edges(self, edges: Sequence[tuple[UserId, UserId]]) -> None:
        await self._erasure.erase_edges(edges)

    async def erase_author(self, author: UserId) -> None:
        await self._erasure.erase_author(author)

    async def _heads(self, authors: Collection[int]) -> dict[UserId, ListHead]:
        return await read_heads(self._store, authors)

    async def _shallow(self, ranges: Sequence[SlotRange]) -> dict[SlotRange, _Edges]:
        """Return the edges of each range at level 0; ranges of the same slots are read together."""
        together: dict[tuple[int, int], list[int]] = {}
        for author, start, end in ranges:
            together.setdefault((start, end), []).append(author)
        requests = [
            self._edges(part, 0, bounds)
            for bounds, authors in together.items()
            for part in key_chunks(authors, LISTS_AT_ONCE)
        ]
        return {
            key: edges for found in await asyncio.gather(*requests) for key, edges in found.items()
        }

    async def _deepened(self, span: SlotRange, shallow: _Edges | None, deepest: int) -> IdArray:
        """Return the followers of a range, given its edges at level 0."""
        author, start, end = span
        deeper = (self._edges([author], level, (start, end)) for level in range(1, deepest + 1))
        found = [shallow, *(level.get(span) for level in await asyncio.gather(*deeper))]
        live, unsure = _merged([edges for edges in found if edges is not None])
        newest = (self._newest(author, part, deepest) for part in key_chunks(unsure.tolist()))
        return np.concatenate([live, *(await asyncio.gather(*newest))])

    async def _newest(self, author: UserId, followers: list[int], deepest: int) -> IdArray:
        """Return those of these users that follow by the highest version at any level."""
        places = slots(np.array(followers, np.int64))
        keys = list(zip(places.tolist(), followers, strict=True))
        requests = (
            self._store.read_arrays(
                _VERSIONS, author, level, np.unique(places // width_of(level)).tolist(), keys
            )
            for level in range(deepest + 1)
        )
        levels = await asyncio.gather(*requests)
        who, removed, versions = (
            np.concatenate([level[name] for level in levels])
            for name in ("follower_id", "removed", "version")
        )
        order = np.lexsort((removed, versions, who))
        last = order[_ends(who[order])]
        live: IdArray = who[last][~removed[last]]
        return live

    async def _edges(
        self, authors: list[int], level: int, span: tuple[int, int]
    ) -> dict[SlotRange, _Edges]:
        start, end = span
        width = width_of(level)
        parts = list(range(start // width, (end - 1) // width + 1))
        found = await self._store.read_arrays(_LISTS, authors, level, parts, start, end)
        order = np.argsort(found["followee_id"], kind="stable")
        followees, first = np.unique(found["followee_id"][order], return_index=True)
        columns = [found[name][order] for name in ("follower_id", "removed")]
        pieces = zip(*(np.split(column, first[1:]) for column in columns), strict=True)
        return {
            SlotRange(UserId(author), start, end): _Edges(*piece)
            for author, piece in zip(followees.tolist(), pieces, strict=False)
        }

    async def _estimates(self, authors: Collection[UserId], level: int) -> dict[UserId, int]:
        """Estimate the rows of each author's level, taking its first part for all of them."""
        places: dict[UserId, list[int]] = {}
        requests = (
            self._store.read(_FIRST, part, level, 0, SAMPLE) for part in key_chunks(authors)
        )
        for rows in await asyncio.gather(*requests):
            for author, place in rows:
                places.setdefault(UserId(author), []).append(place)
        width, parts = width_of(level), parts_of(level)
        return {author: estimate(each, width) * parts for author, each in places.items()}

    async def _raise_if_full(self, author: int, level: int, part: int) -> None:
        if level == MAX_LEVEL:
            return
        rows = await self._store.read(_FIRST, [author], level, part, SAMPLE)
        width = width_of(level)
        if estimate([place - part * width for _, place in rows], width) >= self._part_rows:
            raised = _RAISE.row(followee_id=author, level=level + 1, version=level + 1)
            await self._store.write([raised])


def estimate(first: Sequence[int], width: int) -> int:
    """Estimate how many slots in [0, width) are taken from up to SAMPLE first ones, ascending."""
    if len(first) < SAMPLE:
        return len(first)
    return round((SAMPLE - 1) * width / (first[-1] + 1))


def _merged(levels: Sequence[_Edges]) -> _Merged:
    """Merge the edges of all levels."""
    if not levels:
        return _Merged(_NOBODY, _NOBODY)
    if len(levels) == 1:
        [(followers, removed)] = levels
        return _Merged(followers[~removed], _NOBODY)
    followers, removed = (np.concatenate(column) for column in zip(*levels, strict=True))
    order = np.lexsort((removed, followers))
    followers, removed = followers[order], removed[order]
    last = _ends(followers)
    first = np.append(0, last[:-1] + 1)
    ended, began = removed[last], ~removed[first]
    distinct = followers[last]
    return _Merged(distinct[~ended], distinct[ended & began])


def _ends(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the last index of each value, in an array where equal ones are together."""
    return np.flatnonzero(np.append(values[1:] != values[:-1], [True] * (len(values) > 0)))


def _width(levels: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many slots a part has at each of many levels."""
    return np.int64(SLOTS) >> (levels * LEVEL_BITS)
