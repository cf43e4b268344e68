"""The home timeline: what those a viewer follows wrote, and what he wrote himself."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from schemas.ids import PostId, UserId
from services.conversations.lineage import original_of
from services.listing import Page, PageRequest, page
from services.reading import Reader
from services.timelines.retention import Clock, Retention
from services.timelines.store import Span
from services.visibility.predicate import in_audience, in_home


class Explanation(NamedTuple):
    """Why a post is in a home timeline or not (SEMANTICS 31)."""

    shown: bool
    rule: int
    reason: str
    path: str | None  # by what path it is owed now: pushed, own; None where it is not
    stored: bool


class Home:
    """Reads home timelines."""

    def __init__(self, reader: Reader, retention: Retention, clock: Clock) -> None:
        self._reader = reader
        self._timelines = reader.stores.timelines
        self._retention = retention
        self._clock = clock

    async def page(self, viewer: UserId, request: PageRequest) -> Page:
        """A page of the viewer's home timeline. Raises StoreUnavailable."""

        async def skeleton(span: Span, limit: int) -> Sequence[PostId]:
            return await self._entries(viewer, span, limit)

        floor = self._retention.floor(self._clock())
        found = await self._reader.walk(
            skeleton,
            request.span(floor),
            request.limit,
            viewer=viewer,
            shows=in_home,
            floor=floor,
            why=True,
        )
        return page(request, found)

    async def explain(self, viewer: UserId, post: PostId) -> Explanation | None:
        """Which rule decides about a post; None where the viewer may not know of it."""
        floor = self._retention.floor(self._clock())
        view = await self._reader.view(viewer, [post], floor)
        known = view.known.get(post)
        if known is None or not in_audience(known, view):
            return None
        original = original_of(known, view.known)
        if original is not None and not in_audience(original, view):
            return None
        verdict = in_home(known, view)
        path = "own" if known.author_id == viewer else None
        if known.author_id in view.edges:
            path = "pushed"
        stored = await self._timelines.in_home(viewer, post)
        return Explanation(*verdict, path, stored)

    async def holds(self, viewer: UserId, post: PostId) -> bool:
        """Whether a post has arrived where this viewer would read it."""
        known = (await self._reader.stores.posts.load([post])).get(post)
        if known is None:
            return False
        return known.author_id == viewer or await self._timelines.in_home(viewer, post)

    async def _entries(self, viewer: UserId, span: Span, limit: int) -> Sequence[PostId]:
        """Stored entries merged with the viewer's own posts, which are always pulled."""
        stored, own = await asyncio.gather(
            self._timelines.home_page(viewer, span, limit),
            self._timelines.author_pages([viewer], span, limit),
        )
        merged = sorted({*stored, *own.get(viewer, ())}, reverse=span.newest_first)
        return merged[:limit]
