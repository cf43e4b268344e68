"""Conversations of inboxes in Cassandra."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from schemas.ids import DAY_MS, PostId, UserId
from services.buckets import BUCKET_MS, Buckets
from services.clock import Clock
from services.inboxes.store import (
    MAX_ACTIVE,
    MAX_PULLED,
    InboxEntry,
    Membership,
    Participants,
    Stage,
    ThreadPost,
)
from services.retention import Retention
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
)

NEWEST_BUCKETS = 3
"""Buckets read first: that of posts ahead of the clock, and three to six days."""
NEAREST_BUCKETS = 32
"""Buckets read then, 90 days; with a longer retention a thousand at a time."""
AHEAD_MS = 2 * DAY_MS
"""How far beyond the present posts are looked for, as with mentions."""
PULLED = -1
"""The bucket of pulled conversations: before that of every post."""

POSTS_AT_ONCE = 100_000
"""Rows of one answer, 2 MB."""

_ADD_POST = insert("thread_posts", "root_id", "post_id", "author_id", operation="add")
_TAKE_PART = insert("participants", "root_id", "user_id", "last_post_id", operation="add")
_RAISE = insert("participants", "root_id", "stage", operation="raise")
_ADD_ENTRY = insert(
    "inboxes", "user_id", "bucket", "root_id", "last_post_id", ttl=True, operation="add"
)
_ADD_MEMBER = insert("inboxes", "user_id", "bucket", "root_id", operation="pull")
_NEWEST = select(
    "thread_posts",
    "newest",
    "root_id, post_id, author_id",
    "WHERE root_id IN ? PER PARTITION LIMIT ?",
)
_PARTICIPANTS = select(
    "participants",
    "participants",
    "root_id, user_id, last_post_id, stage",
    "WHERE root_id IN ? PER PARTITION LIMIT ?",
)
_MORE_PARTICIPANTS = select(
    "participants", "participants", "user_id", "WHERE root_id = ? AND user_id > ? LIMIT ?"
)
_LAST = select(
    "participants", "last", "root_id, last_post_id", "WHERE root_id IN ? AND user_id = ?"
)
_PULLED = select("inboxes", "pulled", "root_id", "WHERE user_id = ? AND bucket = ? LIMIT ?")
_RECENT = select(
    "inboxes",
    "recent",
    "root_id, last_post_id",
    "WHERE user_id = ? AND bucket IN ? PER PARTITION LIMIT ?",
)


class CassandraInboxes:
    """An InboxStore in Cassandra; `version` is the write timestamp of rows without cells.

    Cells with a post are written at half its id, so that the newest stays: of two ids with the same
    half the larger one, as its bytes are larger.
    """

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

    async def add_posts(self, posts: Collection[ThreadPost]) -> None:
        if not posts:
            return
        roots, ids, authors = id_columns(posts, 3)
        added = {"root_id": roots, "post_id": ids, "author_id": authors}
        taking_part = {"root_id": roots, "user_id": authors, "last_post_id": ids}
        await asyncio.gather(
            self._store.write_columns(_ADD_POST, added | {"version": self._version()}),
            self._store.write_columns(_TAKE_PART, taking_part | {"version": ids >> 1}),
        )

    async def newest(self, roots: Collection[PostId], limit: int) -> dict[PostId, list[ThreadPost]]:
        found: dict[PostId, list[ThreadPost]] = {}
        most = max(1, min(KEYS_AT_ONCE, POSTS_AT_ONCE // limit))
        for root, post, author in await self._read(_NEWEST, roots, limit, most):
            each = ThreadPost(PostId(root), PostId(post), UserId(author))
            found.setdefault(each.root_id, []).append(each)
        return found

    async def participants(
        self, roots: Collection[PostId], limit: int
    ) -> dict[PostId, Participants]:
        found: dict[PostId, dict[UserId, PostId]] = {}
        stages: dict[PostId, Stage] = {}
        for root, user, last, stage in await self._read(_PARTICIPANTS, roots, limit):
            stages[root] = Stage(stage or Stage.PUSHED)
            if user is not None:
                found.setdefault(PostId(root), {})[UserId(user)] = PostId(last)
        return {root: Participants(last, stages[root]) for root, last in found.items()}

    async def all_participants(self, root: PostId) -> set[UserId]:
        found: set[UserId] = set()
        last = 0
        while True:
            rows = await self._store.read(_MORE_PARTICIPANTS, root, last, KEYS_AT_ONCE)
            found.update(UserId(user) for (user,) in rows)
            if len(rows) < KEYS_AT_ONCE:
                return found
            last = rows[-1][0]

    async def last_posts(self, user: UserId, roots: Collection[PostId]) -> dict[PostId, PostId]:
        rows = await self._read(_LAST, roots, user)
        return {PostId(root): PostId(post) for root, post in rows}

    async def raise_stage(self, roots: Collection[PostId], stage: Stage) -> None:
        if roots:
            (raised,) = id_columns([(root,) for root in roots], 1)
            columns: dict[str, Column] = {"root_id": raised, "stage": stage.value}
            await self._store.write_columns(_RAISE, columns | {"version": stage.value})

    async def add_members(self, members: Collection[Membership]) -> None:
        if members:
            users, roots = id_columns(members, 2)
            columns: dict[str, Column] = {"user_id": users, "bucket": PULLED, "root_id": roots}
            await self._store.write_columns(_ADD_MEMBER, columns | {"version": self._version()})

    async def pulled(self, user: UserId) -> set[PostId]:
        rows = await self._store.read(_PULLED, user, PULLED, MAX_PULLED)
        return {PostId(root) for (root,) in rows}

    async def add_entries(self, entries: Collection[InboxEntry]) -> None:
        if not entries:
            return
        users, roots, posts = id_columns(entries, 3)
        buckets = self._buckets.of_all(posts)
        ttls = self._buckets.ttls(buckets)
        kept = ttls >= 0
        columns: dict[str, Column] = {
            "user_id": users[kept],
            "bucket": buckets[kept],
            "root_id": roots[kept],
            "last_post_id": posts[kept],
            "ttl": ttls[kept],
            "version": posts[kept] >> 1,
        }
        if kept.any():
            await self._store.write_columns(_ADD_ENTRY, columns)

    async def recent(
        self, user: UserId, above: PostId, below: PostId, limit: int
    ) -> Mapping[PostId, PostId]:
        found: dict[PostId, PostId] = {}
        for buckets in self._nearest(above, below):
            for root, post in await self._store.read(_RECENT, user, buckets, MAX_ACTIVE):
                if above < post < below:
                    found[PostId(root)] = max(PostId(post), found.get(PostId(root), PostId(0)))
            if len(found) >= limit:
                break
        newest = sorted(found, key=lambda root: found[root], reverse=True)
        return {root: found[root] for root in newest[:limit]}

    def _nearest(self, above: PostId, below: PostId) -> Sequence[list[int]]:
        """Return the buckets between two posts, newest first, in the lists in which to read."""
        latest = (self._buckets.clock() + AHEAD_MS) // BUCKET_MS
        first, last = self._buckets.of(above), min(self._buckets.of(below), latest)
        ends = range(NEWEST_BUCKETS + NEAREST_BUCKETS, last - first + 1, KEYS_AT_ONCE)
        edges = [0, NEWEST_BUCKETS, *ends, last - first + 1]
        parts = (
            [last - each for each in range(start, min(end, last - first + 1))]
            for start, end in pairwise(edges)
        )
        return [part for part in parts if part]

    async def _read(
        self, query: Statement, roots: Collection[PostId], value: int, most: int = KEYS_AT_ONCE
    ) -> list[tuple[Any, ...]]:
        requests = (self._store.read(query, part, value) for part in key_chunks(roots, most))
        return [row for rows in await asyncio.gather(*requests) for row in rows]
