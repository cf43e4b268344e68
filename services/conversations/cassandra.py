"""Conversations in Cassandra."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from schemas.ids import PostId, UserId
from services.conversations.store import OLDEST_FIRST, Child, NewReply, ReplyLink
from services.span import Span
from services.storage.session import Store
from services.storage.statements import (
    INVERTED,
    RowVersion,
    Statement,
    common_row_version,
    id_columns,
    insert,
    key_chunks,
    select,
)

_LINK = insert("children", "parent_id", "post_id", "other_than", operation="link")
_LINK_BY = insert("author_replies", "parent_id", "author_id", "post_id", operation="link")
_CLAIM = insert("claims", "root_id", "post_id", "author_id", operation="claim")
_CHILDREN, _NEWEST = (
    select(
        "children",
        "children",
        "parent_id, post_id, other_than",
        f"WHERE parent_id IN ? AND post_id > ? AND post_id < ? {order} PER PARTITION LIMIT ?",
    )
    for order in ("", "ORDER BY post_id DESC")
)
_BY = select(
    "author_replies",
    "children",
    "parent_id, post_id",
    "WHERE parent_id IN ? AND author_id = ? AND post_id > ? PER PARTITION LIMIT ?",
)
_CLAIMED = select(
    "claims",
    "claimed",
    "root_id, post_id, author_id",
    "WHERE root_id IN ? PER PARTITION LIMIT ?",
)


class CassandraConversations:
    """A ConversationStore in Cassandra.

    A child's author is kept as its complement `other_than`, written at INVERTED - version: so the
    lowest version stays, and of equal ones the lower author, whose complement has larger bytes.
    """

    def __init__(self, store: Store, version: RowVersion = common_row_version) -> None:
        self._store = store
        self._version = version

    async def link(self, replies: Sequence[NewReply]) -> None:
        if not replies:
            return
        above, posts, authors, versions = id_columns(replies, 4)
        by_author = {"parent_id": above, "author_id": authors, "post_id": posts}
        await self._store.write_columns(_LINK_BY, by_author | {"version": self._version()})
        # Then only: a child's author says that it is found by that author.
        columns = {"parent_id": above, "post_id": posts, "other_than": ~authors}
        await self._store.write_columns(_LINK, columns | {"version": INVERTED - versions})

    async def children(
        self, parents: Collection[PostId], limit: int, span: Span = OLDEST_FIRST
    ) -> dict[PostId, list[Child]]:
        found: dict[PostId, list[Child]] = {}
        query = _NEWEST if span.newest_first else _CHILDREN
        for parent, post, other in await self._read(query, parents, span.above, span.below, limit):
            author = None if other is None else UserId(~other)
            found.setdefault(PostId(parent), []).append(Child(PostId(post), author))
        return found

    async def children_by(
        self, author: UserId, parents: Collection[PostId], limit: int, above: PostId
    ) -> dict[PostId, list[PostId]]:
        found: dict[PostId, list[PostId]] = {}
        for parent, post in await self._read(_BY, parents, author, above, limit):
            found.setdefault(PostId(parent), []).append(PostId(post))
        return found

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        above, posts, authors = id_columns(links, 3)
        columns = {"root_id": above, "post_id": posts, "author_id": authors}
        await self._store.write_columns(_CLAIM, columns | {"version": self._version()})

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        found: dict[PostId, list[ReplyLink]] = {}
        for root, post, author in await self._read(_CLAIMED, posts, limit):
            link = ReplyLink(PostId(root), PostId(post), UserId(author))
            found.setdefault(link.above, []).append(link)
        return found

    async def _read(
        self, query: Statement, keys: Collection[PostId], *values: int
    ) -> list[tuple[Any, ...]]:
        """Return the rows of up to 1,000 partitions in each request."""
        requests = (self._store.read(query, part, *values) for part in key_chunks(keys))
        return [row for rows in await asyncio.gather(*requests) for row in rows]
