"""The home timeline: what those a viewer follows wrote, and what he wrote himself."""

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from schemas.ids import PostId, UserId
from services.listing import Page, PageRequest, page
from services.posts.post import Post
from services.reading import Reader, Reposts
from services.reposts.window import Window
from services.search.terms import tag_term
from services.timelines.retention import Retention
from services.timelines.store import Span, TimelineStore
from services.visibility.predicate import FOLDED, has_followed_tag, in_home, may_know
from services.visibility.view import View

MAX_REASONS = 1_000
"""Reposts in one window that decide on its place, the earliest ones: 1,000 posts are one request
more. Reached by who follows a thousand people who repost one post in a day."""


class Explanation(NamedTuple):
    """Why a post is in a home timeline or not (SEMANTICS 31)."""

    shown: bool
    rule: int
    reason: str
    path: str | None  # by what path it is owed now: own, pushed, tag; None where it is not
    stored: bool


class Home:
    """Reads home timelines."""

    def __init__(self, reader: Reader, retention: Retention) -> None:
        self._reader = reader
        self._timelines = reader.stores.timelines
        self._retention = retention

    async def page(self, viewer: UserId, request: PageRequest) -> Page:
        """A page of the viewer's home timeline, of one generation. Raises StoreUnavailable."""
        timelines = await self._timelines.pinned()

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            return await self._entries(timelines, viewer, span, limit)

        found = await self._reader.walk(
            skeleton,
            request.span(self._retention.floor(self._reader.clock())),
            request.limit,
            viewer=viewer,
            shows=in_home,
            retention=self._retention,
            context="home",
            reposts=self.reposts_to(viewer),
        )
        return msgspec.structs.replace(page(request, found), generation=timelines.generation)

    async def explain(self, viewer: UserId, post: PostId) -> Explanation | None:
        """Which rule decides about a post; None where the viewer may not know of it."""
        view, verdicts, places = await self._reader.judge(
            viewer, [post], in_home, self._retention, self.reposts_to(viewer)
        )
        known = view.known.get(post)
        if known is None or not may_know(known, view):
            return None
        verdict = verdicts[post]
        if verdict.shown and post not in places:
            verdict = FOLDED
        stored = await self._timelines.in_home(viewer, post)
        return Explanation(*verdict[:3], _path(known, view), stored)

    async def holds(self, viewer: UserId, post: PostId) -> bool:
        """Whether a post has arrived where this viewer would read it.

        What he may not know of never does, like what does not exist.
        """
        view = await self._reader.view(viewer, [post], self._retention)
        known = view.known.get(post)
        if known is None or not may_know(known, view):
            return False
        pulled = _path(known, view) == "tag"
        return pulled or await self._timelines.in_home(viewer, post)

    def reposts_to(self, viewer: UserId) -> Reposts:
        """Where to look for the reposts that were delivered to a viewer, and his own."""

        async def reposts(windows: Collection[Window]) -> Collection[PostId]:
            store = self._reader.stores.reposts
            found = await store.delivered(viewer, windows, MAX_REASONS)
            return [post for some in found.values() for post in some]

        return reposts

    async def _entries(
        self, timelines: TimelineStore, viewer: UserId, span: Span, limit: int
    ) -> Sequence[PostId]:
        """Stored entries, the viewer's own among them, merged with what his tags bring."""
        stored, tagged = await asyncio.gather(
            timelines.home_page(viewer, span, limit), self._tagged(viewer, span, limit)
        )
        return sorted({*stored, *tagged}, reverse=span.newest_first)[:limit]

    async def _tagged(self, viewer: UserId, span: Span, limit: int) -> Sequence[PostId]:
        """One request for a viewer who follows no tag, three in most cases for others."""
        stores = self._reader.stores
        tags = (await stores.relations.about(viewer, ())).own.tags
        return await stores.tags.page([tag_term(tag) for tag in tags], span, limit) if tags else ()


def _path(post: Post, view: View) -> str | None:
    """By what path a post is owed to the viewer's home, whatever the rules make of it there."""
    if post.author_id == view.viewer:
        return "own"
    if view.follows(post.author_id):
        return "pushed"
    return "tag" if has_followed_tag(post, view) else None
