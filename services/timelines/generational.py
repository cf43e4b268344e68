"""Timelines whose homes are kept in generations: all are written, one is read."""

import asyncio
from collections.abc import Callable, Collection, Sequence

from schemas.ids import PostId, UserId
from services.generations.generations import GenerationKey, Generations
from services.generations.view import GenerationsView
from services.scan import ScanPage
from services.span import Span
from services.storage.generation_tables import FIRST
from services.timelines.store import AuthorEntry, EntryBlock, TimelineStore


class GenerationalTimelines:
    """A TimelineStore on one of each generation; author timelines are in all of them the same."""

    def __init__(self, view: GenerationsView, opened: Callable[[str], TimelineStore]) -> None:
        self._view = view
        self._open = opened
        self._authors = opened(FIRST)
        self._opened: dict[GenerationKey, TimelineStore] = {}

    @property
    def generation(self) -> str | None:
        return None

    async def pinned(self) -> TimelineStore:
        known = await self._view.current()
        return self._of(known, known.read.place)

    async def refresh(self) -> int:
        return (await self._view.refreshed()).number

    async def add_author_entries(self, entries: Sequence[AuthorEntry]) -> None:
        await self._authors.add_author_entries(entries)

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[PostId]]:
        return await self._authors.author_pages(authors, span, limit)

    async def authors(self, token: int, limit: int) -> ScanPage[UserId]:
        return await self._authors.authors(token, limit)

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        known = await self._view.current()
        await asyncio.gather(*(self._add(known, each.place, blocks) for each in known.written))

    async def _add(
        self, known: Generations, place: GenerationKey, blocks: Sequence[EntryBlock]
    ) -> None:
        try:
            await self._of(known, place).add_home_entries(blocks)
        except Exception:
            # Its tables may be gone by now: then nobody owes it anything.
            if (await self._view.refreshed()).writes(place):
                raise

    async def home_page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        return await (await self.pinned()).home_page(user, span, limit)

    async def arrivals(
        self, users: Collection[UserId], above: PostId
    ) -> dict[UserId, list[PostId]]:
        return await (await self.pinned()).arrivals(users, above)

    async def in_home(self, user: UserId, post: PostId) -> bool:
        return await (await self.pinned()).in_home(user, post)

    def _of(self, known: Generations, place: GenerationKey) -> TimelineStore:
        for gone in self._opened.keys() - {each.place for each in known.listed}:
            del self._opened[gone]  # and what it remembers of tables that may be made anew
        if place not in self._opened:
            self._opened[place] = self._open(place.name)
        return self._opened[place]
