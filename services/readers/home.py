"""The home timeline: what a viewer's followees wrote, and the viewer's own posts."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

from schemas.ids import PostId, UserId
from services.posts.post import Post
from services.pulled.authors import AGE_MS, PulledAuthors
from services.readers.item import Item
from services.readers.overscan import Overscan
from services.readers.paging import MAX_UNREAD, Page, PageRequest, WalkResult, cut_page
from services.readers.pulled_entries import PulledEntries
from services.readers.reader import UNLIMITED, FindReposts, Reader
from services.reposts.window import Window
from services.retention import Retention
from services.span import Span
from services.timelines.store import HomeGeneration
from services.visibility.predicate import FOLDED, has_followed_tag, judge_in_home, may_know
from services.visibility.rules import VerdictReason
from services.visibility.view import View

MAX_REASONS = 1_000
"""Reposts that decide on one window's place, the earliest ones: 1,000 posts are one request more.
Reached by a viewer of whose followees a thousand repost one post in a day."""


DeliveryPath: TypeAlias = Literal["own", "pushed", "pulled", "tag", "list"]
"""How a post comes to a viewer: into their home, or else into the timeline of a list of theirs."""


class Explanation(NamedTuple):
    """Why a post is in a home timeline or not (rule 31)."""

    shown: bool
    rule: int
    reason: VerdictReason
    path: DeliveryPath | None  # None where the viewer is not owed the post
    stored: bool


class Home:
    """Reads home timelines. What it knows of pulled authors is `pulled_age_ms` old at most."""

    def __init__(
        self, reader: Reader, retention: Retention, *, pulled_age_ms: int = AGE_MS
    ) -> None:
        self.pulled_authors = PulledAuthors(
            reader.stores.pulled, retention, reader.clock, pulled_age_ms
        )
        self.reader = reader
        self._timelines = reader.stores.home_timelines
        self.retention = retention
        self._overscan = Overscan()

    async def page(self, viewer: UserId, request: PageRequest) -> Page:
        """Return a page of the viewer's home, of one generation. Raises StoreUnavailable."""
        return await self._page(viewer, request, self.pulled_entries(viewer))

    async def marked_page(self, viewer: UserId, request: PageRequest) -> Page:
        """Return a page with the viewer's mark; the newest also says how much is unread (rule 25).

        Where the newest page does not reach the mark, the entries between are judged as well.
        Raises StoreUnavailable.
        """
        pulled = self.pulled_entries(viewer)
        page = await self._page(viewer, request, pulled)
        mark = await _home_mark(pulled)
        if mark is None or not request.is_newest:
            return msgspec.structs.replace(page, mark=mark, unread=None)
        unread = sum(item.post_id > mark for item in page.items)
        if unread == len(page.items) and page.older is not None:
            rest = Span(max(mark, self._floor()), page.older)
            unread += await self._count(viewer, pulled, rest, MAX_UNREAD - unread)
        return msgspec.structs.replace(page, mark=mark, unread=min(unread, MAX_UNREAD))

    async def page_around_mark(self, viewer: UserId, limit: int) -> Page:
        """Return a page of which half is newer than the viewer's mark; the newest without a mark.

        Raises StoreUnavailable.
        """
        pulled = self.pulled_entries(viewer)
        mark = await _home_mark(pulled)
        if mark is None:
            return await self.marked_page(viewer, PageRequest(limit))
        newer: list[Item] = []
        if limit > 1:
            newer = (await self._page(viewer, PageRequest(limit // 2, after=mark), pulled)).items
        request = PageRequest(limit - len(newer), before=PostId(mark + 1))
        older = await self._page(viewer, request, pulled)
        rest = Span(max(mark, self._floor()))
        unread = await self._count(viewer, pulled, rest, MAX_UNREAD)
        items = [*newer, *older.items]
        return msgspec.structs.replace(older, items=items, mark=mark, unread=unread)

    async def explain(self, viewer: UserId, post: PostId) -> Explanation | None:
        """Return which rule decides about a post; None where the viewer may not know of it."""
        view, verdicts, places = await self.reader.judge(
            viewer,
            [post],
            judge_in_home,
            self.retention,
            self.repost_finder(viewer, self.pulled_entries(viewer)),
        )
        known = view.known.get(post)
        if known is None or not may_know(known, view):
            return None
        verdict = verdicts[post]
        if verdict.shown and post not in places:
            verdict = FOLDED
        stored = await (await self._timelines.pin()).in_home(viewer, post)
        return Explanation(*verdict[:3], await self._delivery_path(known, view), stored)

    async def has_arrived(self, viewer: UserId, post: PostId) -> bool:
        """Whether a post has arrived where this viewer would read it.

        A post that they may not know of never does, like one that does not exist.
        """
        view = await self.reader.load_view(viewer, [post], self.retention)
        known = view.known.get(post)
        if known is None or not may_know(known, view):
            return False
        match await self._delivery_path(known, view):
            case "tag":
                return True
            case "pulled":
                authors, span = self.reader.stores.author_timelines, Span(post - 1, post + 1)
                return bool(await authors.author_pages([known.author_id], span, 1))
        return await (await self._timelines.pin()).in_home(viewer, post)

    def pulled_entries(self, viewer: UserId) -> PulledEntries:
        """Return the source of what is pulled into a viewer's home, for one reading."""
        return PulledEntries(self.reader.stores, self.pulled_authors, viewer)

    def repost_finder(self, viewer: UserId, pulled: PulledEntries) -> FindReposts:
        """Return a search for the reposts that reached a viewer, and their own."""

        async def reposts(windows: Collection[Window]) -> Collection[PostId]:
            delivered, from_pulled = await asyncio.gather(
                self.reader.stores.reposts.delivered(viewer, windows, MAX_REASONS),
                pulled.find_reposts(windows),
            )
            return from_pulled.union(*delivered.values())

        return reposts

    async def _page(self, viewer: UserId, request: PageRequest, pulled: PulledEntries) -> Page:
        timelines = await self._timelines.pin()
        first = (
            self._overscan.first_batch(viewer, request.limit) if request.is_newest else UNLIMITED
        )
        span = request.span(self._floor())
        found = await self._walk(viewer, span, request.limit, pulled, timelines, first)
        if request.is_newest:
            self._overscan.record(viewer, request.limit, found)
        return msgspec.structs.replace(cut_page(request, found), generation=timelines.generation)

    async def _count(self, viewer: UserId, pulled: PulledEntries, span: Span, limit: int) -> int:
        """Count the entries in a span that are shown, up to `limit`."""
        if limit < 1:
            return 0
        timelines = await self._timelines.pin()
        return len((await self._walk(viewer, span, limit - 1, pulled, timelines)).items)

    async def _walk(  # noqa: PLR0913, PLR0917 - what a page is made of
        self,
        viewer: UserId,
        span: Span,
        limit: int,
        pulled: PulledEntries,
        timelines: HomeGeneration,
        first_batch: int = UNLIMITED,
    ) -> WalkResult:
        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            return await self._merge_entries(timelines, viewer, pulled, span, limit)

        return await self.reader.walk(
            skeleton,
            span,
            limit,
            viewer=viewer,
            shows=judge_in_home,
            retention=self.retention,
            context="home",
            reposts=self.repost_finder(viewer, pulled),
            first_batch=first_batch,
        )

    def _floor(self) -> int:
        return self.retention.floor(self.reader.clock())

    async def load_entries(
        self, viewer: UserId, pulled: PulledEntries, span: Span, limit: int
    ) -> Sequence[PostId]:
        """Return stored entries, the viewer's own among them, merged with pulled ones."""
        timelines = await self._timelines.pin()
        return await self._merge_entries(timelines, viewer, pulled, span, limit)

    async def _merge_entries(
        self,
        timelines: HomeGeneration,
        viewer: UserId,
        pulled: PulledEntries,
        span: Span,
        limit: int,
    ) -> Sequence[PostId]:
        stored, from_pulled = await asyncio.gather(
            timelines.home_page(viewer, span, limit), pulled.load(span, limit)
        )
        return sorted(from_pulled.union(stored), reverse=span.newest_first)[:limit]

    async def _delivery_path(self, post: Post, view: View) -> DeliveryPath | None:
        """How a post reaches the viewer's home, whether or not the rules then show it."""
        if post.author_id == view.viewer:
            return "own"
        if view.follows(post.author_id):
            flagged = await self.pulled_authors.has(post.author_id, post.post_id)
            return "pulled" if flagged else "pushed"
        if has_followed_tag(post, view):
            return "tag"
        return "list" if view.to(post.author_id).lists else None


async def _home_mark(pulled: PulledEntries) -> PostId | None:
    own = await pulled.own_settings()
    return None if own.home_mark is None else own.home_mark.up_to
