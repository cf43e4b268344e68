"""Conversations in memory."""

from collections.abc import Collection, Sequence

from schemas.ids import PostId
from services.conversations.store import ReplyLink


class MemoryConversations:
    """A ConversationStore in this process."""

    def __init__(self) -> None:
        self._children: dict[PostId, set[ReplyLink]] = {}
        self._orphans: dict[PostId, set[ReplyLink]] = {}

    async def link(self, links: Sequence[ReplyLink]) -> None:
        for each in links:
            self._children.setdefault(each.above, set()).add(each)

    async def children(self, parents: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        held = {parent: self._children[parent] for parent in parents if parent in self._children}
        return {
            parent: sorted({each.post_id for each in links})[:limit]
            for parent, links in held.items()
        }

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        for each in links:
            self._orphans.setdefault(each.above, set()).add(each)

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        held = {post: self._orphans[post] for post in posts if post in self._orphans}
        return {post: sorted(links)[:limit] for post, links in held.items()}
