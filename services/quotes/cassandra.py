"""Quotes in Cassandra."""

import asyncio
from collections.abc import Collection, Sequence

from schemas.ids import PostId
from services.quotes.store import QuoteLink
from services.span import Span
from services.storage.session import Store
from services.storage.statements import (
    RowVersion,
    common_row_version,
    id_columns,
    insert,
    key_chunks,
    select,
)

_LINK = insert("quotes", "quoted_id", "post_id", operation="link")
_QUOTES = select(
    "quotes", "read", "quoted_id, post_id", "WHERE quoted_id IN ? PER PARTITION LIMIT ?"
)
_PAGES = {
    newest_first: select(
        "quotes",
        "page",
        "post_id",
        "WHERE quoted_id = ? AND post_id > ? AND post_id < ? "
        f"ORDER BY post_id {'DESC' if newest_first else 'ASC'} LIMIT ?",
    )
    for newest_first in (True, False)
}


class CassandraQuotes:
    """A QuoteStore in Cassandra; `version` is the write timestamp of all its rows."""

    def __init__(self, store: Store, version: RowVersion = common_row_version) -> None:
        self._store = store
        self._version = version

    async def add_quotes(self, links: Sequence[QuoteLink]) -> None:
        quoted, posts = id_columns(links, 2)
        columns = {"quoted_id": quoted, "post_id": posts, "version": self._version()}
        await self._store.write_columns(_LINK, columns)

    async def quotes_of(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        found: dict[PostId, list[PostId]] = {}
        requests = (self._store.read(_QUOTES, part, limit) for part in key_chunks(posts))
        for rows in await asyncio.gather(*requests):
            for quoted, post in rows:
                found.setdefault(PostId(quoted), []).append(PostId(post))
        return found

    async def page(self, quoted: PostId, span: Span, limit: int) -> list[PostId]:
        rows = await self._store.read(
            _PAGES[span.newest_first], quoted, span.above, span.below, limit
        )
        return [PostId(post) for (post,) in rows]
