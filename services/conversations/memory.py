"""Conversations in memory."""

from collections.abc import Collection, Sequence

from schemas.ids import PostId
from services.conversations.store import Link


class MemoryConversations:
    """A ConversationStore in this process."""

    def __init__(self) -> None:
        self._children: dict[PostId, set[Link]] = {}
        self._claims: dict[PostId, set[Link]] = {}

    async def link(self, links: Sequence[Link]) -> None:
        for each in links:
            self._children.setdefault(each.above, set()).add(each)

    async def children(self, parents: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        held = {parent: self._children[parent] for parent in parents if parent in self._children}
        return {
            parent: sorted({each.post_id for each in links})[:limit]
            for parent, links in held.items()
        }

    async def claim(self, links: Sequence[Link]) -> None:
        for each in links:
            self._claims.setdefault(each.above, set()).add(each)

    async def claimed(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[Link]]:
        held = {post: self._claims[post] for post in posts if post in self._claims}
        return {post: sorted(links)[:limit] for post, links in held.items()}
