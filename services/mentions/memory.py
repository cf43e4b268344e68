"""Mentions and answers in memory."""

from collections.abc import Collection
from heapq import nlargest, nsmallest

from schemas.ids import PostId, UserId
from services.mentions.store import Answer, Mention
from services.span import Span


class MemoryMentions:
    """A MentionStore in this process."""

    def __init__(self) -> None:
        self._mentions: dict[UserId, set[PostId]] = {}
        self._answers: dict[tuple[UserId, PostId], set[PostId]] = {}

    async def add(self, mentions: Collection[Mention]) -> None:
        for user, post in mentions:
            self._mentions.setdefault(user, set()).add(post)

    async def page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        inside = [each for each in self._mentions.get(user, ()) if span.above < each < span.below]
        return (nlargest if span.newest_first else nsmallest)(limit, inside)

    async def add_answers(self, answers: Collection[Answer]) -> None:
        for author, ancestor, post in answers:
            self._answers.setdefault((author, ancestor), set()).add(post)

    async def newest_answers(
        self, author: UserId, posts: Collection[PostId]
    ) -> dict[PostId, PostId]:
        found = {each: self._answers.get((author, each)) for each in posts}
        return {each: max(below) for each, below in found.items() if below}

    async def answers(
        self, author: UserId, posts: Collection[PostId], limit: int
    ) -> dict[PostId, list[PostId]]:
        found: dict[PostId, list[PostId]] = {}
        for each in sorted(set(posts), reverse=True):
            below = sorted(self._answers.get((author, each), ()), reverse=True)[:limit]
            if below:
                found[each] = below
                limit -= len(below)
        return found
