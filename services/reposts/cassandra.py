"""Reposts in Cassandra: links by what they name, and rows of keys in shards of many users.

A row's place follows from the time of the repost or of its original, whichever is later (its
bucket), and from the user's slot (its shard). Unlike in home timelines the number of shards is
fixed, so that a reader finds them without asking which there are.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from schemas.ids import SLOTS, IdArray, PostId, UserId, slot, slots
from services.buckets import Buckets
from services.clock import Clock
from services.reposts.store import AuthorRepost, RepostLink, RepostPage, ResolvedRepost
from services.reposts.window import Window
from services.retention import Retention
from services.span import Span
from services.storage.session import Store
from services.storage.statements import (
    KEYS_AT_ONCE,
    Column,
    RowVersion,
    common_row_version,
    id_columns,
    insert,
    key_chunks,
    select,
)

SHARDS = 1024
"""Shards of a bucket; never to be changed. With a million users each has a thousand of them."""
ROWS_AT_ONCE = 5_000
"""Rows of one bucket in one answer: 120 for each original on a page. Where there are more, each
window is read by itself."""
SIDE_BY_SIDE = 200
"""Originals from which on all that lies between the oldest and the newest is read: so many are most
of a home's entries there, and each costs more by itself than the rows beside it."""
AUTHOR_ROWS_AT_ONCE = 100_000
"""Rows of authors' reposts in one answer: 2.4 MB."""
LINK = 0
"""The original in the row that is the link itself."""

_LINK = insert("reposts", "target_id", "repost_id", "author_id", "original_id", operation="link")
_BELOW = select(
    "reposts",
    "below",
    "target_id, repost_id, author_id, original_id",
    "WHERE target_id IN ? AND (repost_id, author_id) > (?, ?) PER PARTITION LIMIT ?",
)
_ADD_AUTHOR = insert("author_reposts", "author_id", "repost_id", "original_id")
_AUTHORS = select(
    "author_reposts",
    "page",
    "author_id, repost_id, original_id",
    "WHERE author_id IN ? AND repost_id > ? AND repost_id < ? PER PARTITION LIMIT ?",
)
_ADD_HOME = insert(
    "home_reposts", "bucket", "shard", "user_id", "original_id", "repost_id", ttl=True
)
_WHERE = "WHERE bucket IN ? AND shard = ? AND user_id = ? AND original_id"
_HOME = select(
    "home_reposts",
    "delivered",
    "bucket, original_id, repost_id",
    f"{_WHERE} IN ? PER PARTITION LIMIT ?",
)
_HOME_BETWEEN = select(
    "home_reposts",
    "delivered",
    "bucket, original_id, repost_id",
    f"{_WHERE} >= ? AND original_id <= ? PER PARTITION LIMIT ?",
)
_WINDOW = select(
    "home_reposts",
    "window",
    "repost_id",
    f"{_WHERE} = ? AND repost_id > ? AND repost_id < ? PER PARTITION LIMIT ?",
)


class CassandraReposts:
    """A RepostStore in Cassandra."""

    def __init__(
        self,
        store: Store,
        retention: Retention,
        clock: Clock,
        version: RowVersion = common_row_version,
    ) -> None:
        self._store = store
        self._buckets = Buckets(retention, clock)
        self._version = version

    async def link(self, reposts: Sequence[RepostLink]) -> None:
        await self._add_below((*each, LINK) for each in reposts)

    async def mark_requested(self, resolved: Sequence[ResolvedRepost]) -> None:
        await self._add_below((*repost, original) for repost, original in resolved)

    async def _add_below(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        targets, reposts, authors, originals = id_columns(list(rows), 4)
        columns: dict[str, Column] = {
            "target_id": targets,
            "repost_id": reposts,
            "author_id": authors,
            "original_id": originals,
            "version": self._version(),
        }
        await self._store.write_columns(_LINK, columns)

    async def reposts_of(
        self, targets: Collection[PostId], after: RepostLink | None, limit: int
    ) -> RepostPage:
        start = (0, 0) if after is None else (after.post_id, after.author_id)
        requested: dict[RepostLink, set[PostId]] = {}
        counts: Counter[PostId] = Counter()
        requests = (self._store.read(_BELOW, part, *start, limit) for part in key_chunks(targets))
        for rows in await asyncio.gather(*requests):
            for target, repost, author, original in rows:
                counts[target] += 1
                originals = requested.setdefault(RepostLink(target, repost, author), set())
                if original != LINK:
                    originals.add(PostId(original))
        return RepostPage(requested, {each for each, count in counts.items() if count == limit})

    async def add_author_reposts(self, resolved: Sequence[ResolvedRepost]) -> None:
        rows = [(each.author_id, each.post_id, original) for each, original in resolved]
        authors, reposts, originals = id_columns(rows, 3)
        columns: dict[str, Column] = {
            "author_id": authors,
            "repost_id": reposts,
            "original_id": originals,
            "version": self._version(),
        }
        await self._store.write_columns(_ADD_AUTHOR, columns)

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[AuthorRepost]]:
        most = max(1, min(KEYS_AT_ONCE, AUTHOR_ROWS_AT_ONCE // limit))
        pages: dict[UserId, list[AuthorRepost]] = {}
        requests = (
            self._store.read(_AUTHORS, part, span.above, span.below, limit)
            for part in key_chunks(authors, most)
        )
        for rows in await asyncio.gather(*requests):
            for author, *repost in rows:
                pages.setdefault(UserId(author), []).append(AuthorRepost(*repost))
        return pages

    async def add_home_reposts(self, users: IdArray, originals: IdArray, reposts: IdArray) -> None:
        if not len(users):
            return
        buckets = self._buckets.of_all(np.maximum(originals, reposts))
        ttls = self._buckets.ttls(buckets)
        kept = ttls >= 0
        columns: dict[str, Column] = {
            "bucket": buckets[kept],
            "shard": slots(users[kept]) * SHARDS // SLOTS,
            "user_id": users[kept],
            "original_id": originals[kept],
            "repost_id": reposts[kept],
            "ttl": ttls[kept],
            "version": self._version(),
        }
        await self._store.write_columns(_ADD_HOME, columns)

    async def delivered(
        self, user: UserId, windows: Collection[Window], limit: int
    ) -> dict[Window, list[PostId]]:
        wanted = set(windows)
        if not wanted:
            return {}
        buckets = sorted({bucket for each in wanted for bucket in self._window_buckets(each)})
        originals = sorted({each.original_id for each in wanted})
        where = (buckets, _shard(user), user)
        rows: list[tuple[Any, ...]] | None = None
        if len(originals) >= SIDE_BY_SIDE:
            ends = (originals[0], originals[-1], ROWS_AT_ONCE)
            rows = _whole(await self._store.read(_HOME_BETWEEN, *where, *ends))
        if rows is None:
            rows = _whole(await self._store.read(_HOME, *where, originals, ROWS_AT_ONCE))
        if rows is None:
            return await self._one_by_one(user, wanted, limit)
        found: dict[Window, list[PostId]] = {}
        for repost, original in sorted((repost, original) for _, original, repost in rows):
            window = Window.of(repost, original)
            if window in wanted:
                found.setdefault(window, []).append(repost)
        return {window: reposts[:limit] for window, reposts in found.items()}

    async def _one_by_one(
        self, user: UserId, windows: Collection[Window], limit: int
    ) -> dict[Window, list[PostId]]:
        async def one(window: Window) -> list[PostId]:
            within = (window.original_id, window.above, window.below, limit)
            buckets = self._window_buckets(window)
            rows = await self._store.read(_WINDOW, buckets, _shard(user), user, *within)
            return sorted(PostId(repost) for (repost,) in rows)[:limit]

        order = list(windows)
        found = zip(order, await asyncio.gather(*map(one, order)), strict=True)
        return {window: reposts for window, reposts in found if reposts}

    def _window_buckets(self, window: Window) -> list[int]:
        """Return the buckets that the window's reposts may be in: two at most."""
        first = self._buckets.of(max(window.original_id, window.above + 1))
        return list(range(first, self._buckets.of(window.below - 1) + 1))


def _whole(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]] | None:
    """Return an answer of which no bucket was cut short, else None."""
    counts = Counter(bucket for bucket, *_ in rows)
    return None if max(counts.values(), default=0) == ROWS_AT_ONCE else rows


def _shard(user: UserId) -> int:
    return slot(user) * SHARDS // SLOTS
