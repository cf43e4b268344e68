"""Mentions and answers in Cassandra: rows of keys, in a partition for each user and bucket."""

import asyncio
from collections.abc import Collection, Iterator, Sequence

from schemas.ids import DAY_MS, PostId, UserId
from services.buckets import BUCKET_MS, Buckets
from services.clock import Clock
from services.mentions.store import Answer, Mention
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

NEAREST_BUCKETS = 32
"""Buckets read first: 90 days. A partition that does not exist costs the store some 20 µs."""
AHEAD_MS = 2 * DAY_MS
"""How far beyond the present posts are looked for: an id may be a day ahead of its record (rule 9),
and the clocks of brokers differ."""

_ADD = insert("mentions", "user_id", "bucket", "post_id", ttl=True)
_PAGE = {
    newest_first: select(
        "mentions",
        "page",
        "post_id",
        "WHERE user_id = ? AND bucket IN ? AND post_id > ? AND post_id < ? "
        f"ORDER BY post_id {'DESC' if newest_first else 'ASC'} PER PARTITION LIMIT ?",
    )
    for newest_first in (True, False)
}
_ADD_ANSWER = insert(
    "answers", "author_id", "bucket", "ancestor_id", "post_id", ttl=True, operation="answer"
)
_BELOW = "WHERE author_id = ? AND bucket IN ? AND ancestor_id IN ?"
_NEWEST = select(
    "answers",
    "newest",
    "ancestor_id, post_id",
    f"{_BELOW} GROUP BY author_id, bucket, ancestor_id",
)
_ANSWERS = select("answers", "read", "ancestor_id, post_id", f"{_BELOW} LIMIT ?")


class CassandraMentions:
    """A MentionStore in Cassandra; `version` is the write timestamp of all its rows."""

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

    async def add(self, mentions: Collection[Mention]) -> None:
        if not mentions:
            return
        users, posts = id_columns(mentions, 2)
        buckets = self._buckets.of_all(posts)
        ttls = self._buckets.ttls(buckets)
        kept = ttls >= 0
        columns: dict[str, Column] = {
            "user_id": users[kept],
            "bucket": buckets[kept],
            "post_id": posts[kept],
            "ttl": ttls[kept],
            "version": self._version(),
        }
        if kept.any():
            await self._store.write_columns(_ADD, columns)

    async def page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        found: set[PostId] = set()
        for buckets in _nearest(self._buckets_of(span)):
            statement = _PAGE[span.newest_first]
            rows = await self._store.read(statement, user, buckets, *span[:2], limit)
            found.update(PostId(post) for (post,) in rows)
            if len(found) >= limit:
                break
        return sorted(found, reverse=span.newest_first)[:limit]

    async def add_answers(self, answers: Collection[Answer]) -> None:
        if not answers:
            return
        authors, ancestors, posts = id_columns(answers, 3)
        buckets = self._buckets.of_all(ancestors)
        ttls = self._buckets.ttls(buckets)
        kept = ttls >= 0
        columns: dict[str, Column] = {
            "author_id": authors[kept],
            "bucket": buckets[kept],
            "ancestor_id": ancestors[kept],
            "post_id": posts[kept],
            "ttl": ttls[kept],
            "version": self._version(),
        }
        if kept.any():
            await self._store.write_columns(_ADD_ANSWER, columns)

    async def newest_answers(
        self, author: UserId, posts: Collection[PostId]
    ) -> dict[PostId, PostId]:
        requests = (
            self._store.read(_NEWEST, author, self._buckets_with(part), part)
            for part in key_chunks(posts)
        )
        return {
            PostId(ancestor): PostId(post)
            for rows in await asyncio.gather(*requests)
            for ancestor, post in rows
        }

    async def answers(
        self, author: UserId, posts: Collection[PostId], limit: int
    ) -> dict[PostId, list[PostId]]:
        found: dict[PostId, list[PostId]] = {}
        (asked,) = key_chunks(posts)
        for ancestor, post in await self._store.read(
            _ANSWERS, author, self._buckets_with(asked), asked, limit
        ):
            found.setdefault(PostId(ancestor), []).append(PostId(post))
        return found

    def _buckets_with(self, posts: Collection[PostId]) -> list[int]:
        return sorted({self._buckets.of(each) for each in posts})

    def _buckets_of(self, span: Span) -> Sequence[int]:
        """Return the buckets that may hold posts of a span, in its order."""
        latest = (self._buckets.clock() + AHEAD_MS) // BUCKET_MS
        first, last = self._buckets.of(span.above), min(self._buckets.of(span.below), latest)
        return range(last, first - 1, -1) if span.newest_first else range(first, last + 1)


def _nearest(buckets: Sequence[int]) -> Iterator[list[int]]:
    """Yield the buckets in the lists in which they are read."""
    yield list(buckets[:NEAREST_BUCKETS])
    for start in range(NEAREST_BUCKETS, len(buckets), KEYS_AT_ONCE):
        yield list(buckets[start : start + KEYS_AT_ONCE])
