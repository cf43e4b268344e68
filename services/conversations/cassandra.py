"""Conversations in Cassandra."""

import asyncio
from collections.abc import Collection, Sequence

from schemas.ids import PostId, UserId
from services.conversations.store import ReplyLink
from services.storage.session import Store
from services.storage.statements import (
    RowVersion,
    common_row_version,
    id_columns,
    insert,
    key_chunks,
    select,
)

_LINK = insert("children", "parent_id", "post_id", operation="link")
_CLAIM = insert("claims", "root_id", "post_id", "author_id", operation="claim")
_CHILDREN = select(
    "children",
    "children",
    "parent_id, post_id",
    "WHERE parent_id IN ? PER PARTITION LIMIT ?",
)
_CLAIMED = select(
    "claims",
    "claimed",
    "root_id, post_id, author_id",
    "WHERE root_id IN ? PER PARTITION LIMIT ?",
)


class CassandraConversations:
    """A ConversationStore in Cassandra.

    The table `children` keeps no authors, since readers check each reply anyway.
    """

    def __init__(self, store: Store, version: RowVersion = common_row_version) -> None:
        self._store = store
        self._version = version

    async def link(self, links: Sequence[ReplyLink]) -> None:
        above, posts, _ = id_columns(links, 3)
        columns = {"parent_id": above, "post_id": posts, "version": self._version()}
        await self._store.write_columns(_LINK, columns)

    async def children(self, parents: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        found: dict[PostId, list[PostId]] = {}
        requests = (self._store.read(_CHILDREN, part, limit) for part in key_chunks(parents))
        for rows in await asyncio.gather(*requests):
            for parent, post in rows:
                found.setdefault(PostId(parent), []).append(PostId(post))
        return found

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        above, posts, authors = id_columns(links, 3)
        columns = {"root_id": above, "post_id": posts, "author_id": authors}
        await self._store.write_columns(_CLAIM, columns | {"version": self._version()})

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        found: dict[PostId, list[ReplyLink]] = {}
        requests = (self._store.read(_CLAIMED, part, limit) for part in key_chunks(posts))
        for rows in await asyncio.gather(*requests):
            for root, post, author in rows:
                link = ReplyLink(PostId(root), PostId(post), UserId(author))
                found.setdefault(link.above, []).append(link)
        return found
