"""Reposts in memory."""

from collections.abc import Collection, Sequence

from schemas.ids import IdArray, PostId, UserId
from services.reposts.store import AuthorRepost, RepostLink, RepostPage, ResolvedRepost
from services.reposts.window import Window
from services.span import Span


class MemoryReposts:
    """A RepostStore in this process."""

    def __init__(self) -> None:
        self._below: dict[PostId, dict[RepostLink, set[PostId]]] = {}
        self._authors: dict[UserId, set[AuthorRepost]] = {}
        self._homes: dict[tuple[UserId, PostId], set[PostId]] = {}

    async def link(self, reposts: Sequence[RepostLink]) -> None:
        for each in reposts:
            self._below.setdefault(each.target_id, {}).setdefault(each, set())

    async def mark_requested(self, resolved: Sequence[ResolvedRepost]) -> None:
        await self.link([each.repost for each in resolved])
        for repost, original in resolved:
            self._below[repost.target_id][repost].add(original)

    async def reposts_of(
        self, targets: Collection[PostId], after: RepostLink | None, limit: int
    ) -> RepostPage:
        requested, truncated = {}, set()
        for target in targets:
            held = self._below.get(target, {})
            waiting = sorted(each for each in held if after is None or each > after)
            requested.update({each: frozenset(held[each]) for each in waiting[:limit]})
            if len(waiting) > limit:
                truncated.add(target)
        return RepostPage(requested, truncated)

    async def add_author_reposts(self, resolved: Sequence[ResolvedRepost]) -> None:
        for repost, original in resolved:
            written = self._authors.setdefault(repost.author_id, set())
            written.add(AuthorRepost(repost.post_id, original))

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[AuthorRepost]]:
        pages = {
            author: sorted(
                (
                    each
                    for each in self._authors.get(author, ())
                    if span.above < each.post_id < span.below
                ),
                key=lambda each: (-each.post_id, each.original_id),
            )[:limit]
            for author in authors
        }
        return {author: page for author, page in pages.items() if page}

    async def add_home_reposts(self, users: IdArray, originals: IdArray, reposts: IdArray) -> None:
        rows = zip(users.tolist(), originals.tolist(), reposts.tolist(), strict=True)
        for user, original, repost in rows:
            self._homes.setdefault((user, original), set()).add(repost)

    async def delivered(
        self, user: UserId, windows: Collection[Window], limit: int
    ) -> dict[Window, list[PostId]]:
        found = {}
        for window in windows:
            held = self._homes.get((user, window.original_id), ())
            inside = sorted(each for each in held if window.above < each < window.below)
            if inside:
                found[window] = inside[:limit]
        return found
