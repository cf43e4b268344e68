"""Author timelines and home timelines in memory."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Sequence
from itertools import product

from schemas.ids import PostId, UserId
from services.scan import ScanPage, scan_ids
from services.span import Span
from services.storage.generation_tables import FIRST
from services.timelines.store import MAX_ARRIVALS, AuthorEntry, EntryBlock


class _Entries:
    """One timeline, ascending."""

    def __init__(self) -> None:
        self._ids: list[PostId] = []

    def add(self, post: PostId) -> None:
        if post not in self:
            insort(self._ids, post)

    def __contains__(self, post: PostId) -> bool:
        place = bisect_left(self._ids, post)
        return place < len(self._ids) and self._ids[place] == post

    def page(self, span: Span, limit: int) -> list[PostId]:
        first, last = bisect_right(self._ids, span.above), bisect_left(self._ids, span.below)
        if span.newest_first:
            return self._ids[max(first, last - limit) : last][::-1]
        return self._ids[first : min(last, first + limit)]


class MemoryAuthorTimelines:
    """An AuthorTimelineStore in this process."""

    def __init__(self) -> None:
        self._authors: dict[UserId, _Entries] = {}

    async def add_author_entries(self, entries: Sequence[AuthorEntry]) -> None:
        for author, post in entries:
            self._authors.setdefault(author, _Entries()).add(post)

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[PostId]]:
        held = {author: self._authors[author] for author in authors if author in self._authors}
        pages = {author: entries.page(span, limit) for author, entries in held.items()}
        return {author: page for author, page in pages.items() if page}

    async def authors(self, token: int, limit: int) -> ScanPage[UserId]:
        return scan_ids(self._authors, token, limit)


class MemoryHomeGeneration:
    """A HomeGeneration in this process."""

    def __init__(self, generation: str = FIRST) -> None:
        self.generation = generation
        self._homes: dict[UserId, _Entries] = {}

    async def add_home_entries(self, blocks: Sequence[EntryBlock]) -> None:
        for users, posts in blocks:
            for user, post in product(users.tolist(), posts.tolist()):
                self._homes.setdefault(user, _Entries()).add(post)

    async def home_page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        return self._homes.get(user, _Entries()).page(span, limit)

    async def arrivals(
        self, users: Collection[UserId], above: PostId
    ) -> dict[UserId, list[PostId]]:
        held = {user: self._homes[user] for user in users if user in self._homes}
        found = {user: each.page(Span(above), MAX_ARRIVALS) for user, each in held.items()}
        return {user: posts for user, posts in found.items() if posts}

    async def in_home(self, user: UserId, post: PostId) -> bool:
        return post in self._homes.get(user, _Entries())
