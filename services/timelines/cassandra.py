"""Timelines in Cassandra: author timelines by author, home timelines in shards of many users.

A home entry's bucket follows from the post's time, its shard from the user's slot. `home_buckets`
has, for each bucket, every number of shards it was ever written with; the row is durable before
the first entry, so readers look wherever an entry can be. A new number of shards applies to later
writes, and nothing is moved. Each generation has both home tables of its own.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from schemas.ids import MAX_ID, SLOTS, PostId, UserId, slot
from services.buckets import Buckets
from services.clock import Clock
from services.retention import Retention
from services.scan import ScanPage
from services.span import Span
from services.storage.generation_tables import FIRST, GENERATIONAL, statement_of_generation
from services.storage.session import Store
from services.storage.statements import (
    KEYS_AT_ONCE,
    Column,
    RowVersion,
    Statement,
    common_row_version,
    id_columns,
    insert,
    key_chunks,
    select,
    update_present,
)
from services.timelines.home_batches import BatchPiece, EntryRows, place_entries
from services.timelines.page_depth_cache import PageDepthCache
from services.timelines.store import MAX_ARRIVALS, AuthorEntry, EntryBlock

SHARDS = 256
"""Shards of a bucket: for a million users, 3,900 in each."""
NEAREST_BUCKETS = 32
"""Buckets read first, in one request: three times the default retention. A partition without
entries of the user costs the store 20 µs, another request a millisecond."""
SLOT_GROUPS = 16
"""Copies of the list of buckets, so that readers do not all read from one node."""
SHARDS_AT_ONCE = 16
"""Shards read concurrently for arrivals: more would delay readers of pages."""
ENTRIES_AT_ONCE = 100_000
"""Author entries that one request may return: 2.4 MB."""

_ADD_AUTHOR = insert("author_timeline", "author_id", "post_id")
_SCAN = select(
    "author_timeline",
    "scan",
    "DISTINCT author_id, token(author_id)",
    "WHERE token(author_id) > ? LIMIT ?",
)


def _page(table: str, columns: str, key: str, *, newest_first: bool) -> Statement:
    order = "DESC" if newest_first else "ASC"
    return select(
        table,
        "page",
        columns,
        f"WHERE {key} AND post_id > ? AND post_id < ? "
        f"ORDER BY post_id {order} PER PARTITION LIMIT ?",
    )


_AUTHORS = {
    newest_first: _page(
        "author_timeline", "author_id, post_id", "author_id IN ?", newest_first=newest_first
    )
    for newest_first in (True, False)
}


class CassandraAuthorTimelines:
    """An AuthorTimelineStore in Cassandra; `version` is the write timestamp of all its rows."""

    def __init__(self, store: Store, version: RowVersion = common_row_version) -> None:
        self._store = store
        self._version = version

    async def add_author_entries(self, entries: Sequence[AuthorEntry]) -> None:
        authors, posts = id_columns(entries, 2)
        await self._store.write_columns(
            _ADD_AUTHOR, {"author_id": authors, "post_id": posts, "version": self._version()}
        )

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[PostId]]:
        statement = _AUTHORS[span.newest_first]
        most = max(1, min(KEYS_AT_ONCE, ENTRIES_AT_ONCE // limit))
        pages: dict[UserId, list[PostId]] = {}
        asked = (
            self._store.read(statement, part, span.above, span.below, limit)
            for part in key_chunks(authors, most)
        )
        for rows in await asyncio.gather(*asked):
            for author, post in rows:
                pages.setdefault(UserId(author), []).append(PostId(post))
        return pages

    async def authors(self, token: int, limit: int) -> ScanPage[UserId]:
        rows = await self._store.read(_SCAN, token, limit)
        authors = [UserId(author) for author, _ in rows]
        return ScanPage(authors, rows[-1][1] if len(rows) == limit else None)


class _HomeStatements:
    """The statements on a generation's tables, with the metric labels of the first's."""

    def __init__(self, generation: str) -> None:
        table, buckets = GENERATIONAL

        def of(statement: Statement) -> Statement:
            return statement_of_generation(statement, generation)

        self.add = of(update_present(table, "bucket", "shard", "user_id", "post_id"))
        self.add_pieces = of(
            update_present(table, "bucket", "shard", one_of=("user_id", "post_id"))
        )
        self.add_bucket = of(insert(buckets, "slot_group", "bucket", "shards", ttl=True))
        self.buckets = of(
            select(
                buckets,
                "read",
                "bucket, shards",
                "WHERE slot_group = ? AND bucket >= ? AND bucket <= ?",
            )
        )
        self.arrivals = of(
            select(
                table,
                "arrivals",
                "user_id, post_id",
                "WHERE bucket = ? AND shard = ? AND user_id IN ? AND post_id > ? "
                f"LIMIT {MAX_ARRIVALS}",
            )
        )
        self.contains = of(
            select(
                table,
                "contains",
                "post_id",
                "WHERE bucket = ? AND shard IN ? AND user_id = ? AND post_id = ?",
            )
        )
        key = "bucket IN ? AND shard IN ? AND user_id = ?"
        self.page = {
            each: of(_page(table, "post_id", key, newest_first=each)) for each in (True, False)
        }


class CassandraHomeGeneration:
    """A HomeGeneration in Cassandra.

    `shards` is a power of two; `version` is the write timestamp of all its rows.
    """

    def __init__(  # noqa: PLR0913 - a composition
        self,
        store: Store,
        retention: Retention,
        clock: Clock,
        shards: int = SHARDS,
        *,
        version: RowVersion = common_row_version,
        generation: str = FIRST,
    ) -> None:
        self.generation = generation
        self._statements = _HomeStatements(generation)
        self._store = store
        self._bucketing = Buckets(retention, clock)
        self._shards = shards
        self._version = version
        # Both have an entry for each three days since the epoch of post ids, at most.
        self._declared: set[int] = set()
        self._listed: dict[int, dict[int, list[int]]] = {}
        """Each slot group's list of buckets as it was last read."""
        self._page_depths = PageDepthCache()

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        pieces, rows = place_entries(blocks, self._bucketing.of_all, self._shards)
        there = np.array([each.bucket for each in pieces], np.int64)
        buckets = np.unique(np.concatenate([there, rows.buckets]))
        lives = dict(zip(buckets.tolist(), self._bucketing.ttls(buckets).tolist(), strict=True))
        lives = {bucket: life for bucket, life in lives.items() if life >= 0}
        await self._declare(lives)
        await asyncio.gather(
            self._add_pieces([each for each in pieces if each.bucket in lives], lives),
            self._add_rows(rows, lives),
        )

    async def _add_pieces(self, pieces: Sequence[BatchPiece], lives: Mapping[int, int]) -> None:
        if pieces:
            buckets, shards, users, posts = map(list, zip(*pieces, strict=True))
            columns: dict[str, Column] = {
                "bucket": buckets,
                "shard": shards,
                "user_id": users,
                "post_id": posts,
                "ttl": [lives[each] for each in buckets],
                "version": self._version(),
            }
            await self._store.write_columns(self._statements.add_pieces, columns)

    async def _add_rows(self, rows: EntryRows, lives: Mapping[int, int]) -> None:
        for bucket, life in lives.items():
            mask = rows.buckets == bucket
            columns: dict[str, Column] = {
                "bucket": bucket,
                "shard": rows.shards[mask],
                "user_id": rows.users[mask],
                "post_id": rows.posts[mask],
                "ttl": life,
                "version": self._version(),
            }
            await self._store.write_columns(self._statements.add, columns)

    async def home_page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        """Read the nearest known buckets, while reading which there are."""
        first, last = self._bucketing.of(span.above), self._bucketing.of(span.below)
        known = self._listed.get(_group(user), {})
        guess = {each: known[each] for each in known if first <= each <= last}
        oldest = self._bucketing.of(self._page_depths.oldest(user, span, limit))
        asked = {each: guess[each] for each in _nearest(guess, span) if each >= oldest}
        buckets, page = await asyncio.gather(
            self._list_buckets(user, first, last), self._read_buckets(user, asked, span, limit)
        )
        if _nearest(guess, span) != (nearest := _nearest(buckets, span)):
            asked, page = nearest, await self._read_buckets(user, nearest, span, limit)
        further = {each: buckets[each] for each in buckets.keys() - asked.keys()}
        if further and len(page) < limit:
            page += await self._read_buckets(user, further, span, limit - len(page))
        self._page_depths.learn(user, span, limit, page)
        return page

    async def _read_buckets(
        self, user: UserId, buckets: Mapping[int, list[int]], span: Span, limit: int
    ) -> list[PostId]:
        if not buckets:
            return []
        shards = _shards_of(user, (count for counts in buckets.values() for count in counts))
        statement = self._statements.page[span.newest_first]
        found = await self._store.read_arrays(
            statement, list(buckets), shards, user, span.above, span.below, limit
        )
        posts: list[PostId] = np.unique(found["post_id"]).tolist()
        return (posts[::-1] if span.newest_first else posts)[:limit]

    async def arrivals(
        self, users: Collection[UserId], above: PostId
    ) -> dict[UserId, list[PostId]]:
        found: dict[UserId, list[PostId]] = {}
        places = await self._places(users, self._bucketing.of(above))
        asked = [(*place, part) for place in places for part in key_chunks(places[place])]
        for start in range(0, len(asked), SHARDS_AT_ONCE):
            some = asked[start : start + SHARDS_AT_ONCE]
            reads = (self._store.read(self._statements.arrivals, *each, above) for each in some)
            for rows in await asyncio.gather(*reads):
                for user, post in rows:
                    found.setdefault(UserId(user), []).append(PostId(post))
        return found

    async def _places(
        self, users: Collection[UserId], first: int
    ) -> dict[tuple[int, int], list[UserId]]:
        """Return each (bucket, shard) from a bucket on that may have entries, and whose."""
        groups: dict[int, list[UserId]] = {}
        for user in users:
            groups.setdefault(_group(user), []).append(user)
        places: dict[tuple[int, int], list[UserId]] = {}
        for members in groups.values():
            buckets = await self._list_buckets(members[0], first, self._bucketing.of(MAX_ID))
            for bucket, counts in buckets.items():
                for user in members:
                    for shard in _shards_of(user, counts):
                        places.setdefault((bucket, shard), []).append(user)
        return places

    async def in_home(self, user: UserId, post: PostId) -> bool:
        bucket = self._bucketing.of(post)
        for counts in (await self._list_buckets(user, bucket, bucket)).values():
            shards = _shards_of(user, counts)
            return bool(
                await self._store.read(self._statements.contains, bucket, shards, user, post)
            )
        return False

    async def _list_buckets(self, user: UserId, first: int, last: int) -> dict[int, list[int]]:
        """Return each bucket that may have entries of the user, with its numbers of shards."""
        group = _group(user)
        buckets: dict[int, list[int]] = {}
        for bucket, shards in await self._store.read(self._statements.buckets, group, first, last):
            buckets.setdefault(bucket, []).append(shards)
        known = self._listed.get(group, {})
        others = {each: known[each] for each in known if not first <= each <= last}
        self._listed[group] = others | buckets
        return buckets

    async def _declare(self, lives: Mapping[int, int]) -> None:
        new = [bucket for bucket in lives if bucket not in self._declared]
        if not new:
            return
        columns: dict[str, Column] = {
            "slot_group": np.repeat(np.arange(SLOT_GROUPS), len(new)),
            "bucket": np.tile(new, SLOT_GROUPS),
            "shards": self._shards,
            "ttl": np.tile([lives[bucket] for bucket in new], SLOT_GROUPS),
            "version": self._version(),
        }
        await self._store.write_columns(self._statements.add_bucket, columns)
        self._declared.update(new)


def _nearest(buckets: Mapping[int, list[int]], span: Span) -> dict[int, list[int]]:
    """Return the buckets that are read first."""
    order = sorted(buckets, reverse=span.newest_first)
    return {each: buckets[each] for each in order[:NEAREST_BUCKETS]}


def _group(user: UserId) -> int:
    return slot(user) * SLOT_GROUPS // SLOTS


def _shards_of(user: UserId, counts: Iterable[int]) -> list[int]:
    place = slot(user)
    return sorted({place * count // SLOTS for count in counts})
