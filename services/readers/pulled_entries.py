"""What a home timeline shows and does not store, pulled when it is read."""

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from schemas.ids import PostId, UserId
from services.pulled.authors import PulledAuthors
from services.readers.repost_windows import reposts_in
from services.relations.relations import OwnSettings
from services.reposts.store import post_of
from services.reposts.window import Window
from services.search.terms import tag_term
from services.span import Span
from services.stores import Stores
from services.timelines.author_pages import scan_author_pages

REPOSTS_AT_ONCE = 100
"""Reposts of an author in one request: three days at thirty reposts a day."""


class _Sources(NamedTuple):
    own: OwnSettings
    authors: Collection[UserId]


class PulledEntries:
    """Entries of the tags and pulled authors that one viewer follows, for one reading."""

    def __init__(self, stores: Stores, pulled: PulledAuthors, viewer: UserId) -> None:
        self._stores = stores
        self._pulled = pulled
        self._viewer = viewer
        self._sources: _Sources | None = None

    async def load(self, span: Span, limit: int) -> set[PostId]:
        """Return up to `limit` entries of each source in the span's order, without gaps.

        One request where the viewer follows neither, one more for the pulled authors they follow,
        in most cases two more for tags.
        """
        own, authors = await self._load_sources()
        tagged, written = await asyncio.gather(
            self._load_tagged(own.tags, span, limit), self._load_written(authors, span, limit)
        )
        return {*tagged, *written}

    async def own_settings(self) -> OwnSettings:
        """Return the viewer's settings, which come with what they follow."""
        return (await self._load_sources()).own

    async def find_reposts(self, windows: Collection[Window]) -> set[PostId]:
        """Return the reposts by pulled authors in these windows; in most cases one request.

        Reposts dated before their original are not pulled, so that no page looks further back than
        its originals do.
        """
        authors = (await self._load_sources()).authors
        if not authors or not windows:
            return set()
        above = min(max(each.above, each.original_id) for each in windows)
        span = Span(above, max(each.below for each in windows))
        found: set[PostId] = set()
        read = self._stores.reposts.author_pages
        async for pages in scan_author_pages(read, authors, span, REPOSTS_AT_ONCE, post_of):
            found |= reposts_in(windows, pages)
        return found

    async def _load_sources(self) -> _Sources:
        if self._sources is None:
            pulled = (await self._pulled.flagged_buckets()).keys() - {self._viewer}
            relations = await self._stores.relations.about(self._viewer, pulled)
            self._sources = _Sources(relations.own, relations.edges.keys())
        return self._sources

    async def _load_tagged(self, tags: Collection[str], span: Span, limit: int) -> Sequence[PostId]:
        terms = [tag_term(tag) for tag in tags]
        return await self._stores.tags.page(terms, span, limit) if terms else ()

    async def _load_written(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> set[PostId]:
        if not authors:
            return set()
        pages = await self._stores.author_timelines.author_pages(authors, span, limit)
        return {post for page in pages.values() for post in page}
