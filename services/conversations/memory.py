"""Conversations in memory."""

from collections.abc import Collection, Sequence

from schemas.ids import PostId, UserId
from services.conversations.store import OLDEST_FIRST, Child, NewReply, ReplyLink
from services.span import Span


class MemoryConversations:
    """A ConversationStore in this process."""

    def __init__(self) -> None:
        self._replies: dict[PostId, dict[PostId, set[NewReply]]] = {}  # by parent, by post
        self._orphans: dict[PostId, set[ReplyLink]] = {}

    async def link(self, replies: Sequence[NewReply]) -> None:
        for each in replies:
            below = self._replies.setdefault(each.parent_id, {})
            below.setdefault(each.post_id, set()).add(each)

    async def children(
        self, parents: Collection[PostId], limit: int, span: Span = OLDEST_FIRST
    ) -> dict[PostId, list[Child]]:
        found = {}
        for parent in parents:
            held = self._replies.get(parent, {})
            inside = (post for post in held if span.above < post < span.below)
            posts = sorted(inside, reverse=span.newest_first)[:limit]
            if posts:
                found[parent] = [
                    Child(post, min(held[post], key=_claimed).author_id) for post in posts
                ]
        return found

    async def children_by(
        self, author: UserId, parents: Collection[PostId], limit: int, above: PostId
    ) -> dict[PostId, list[PostId]]:
        found = {}
        for parent in parents:
            claims = (each for claims in self._replies.get(parent, {}).values() for each in claims)
            posts = {each.post_id for each in claims if each.author_id == author}
            if later := sorted(post for post in posts if post > above):
                found[parent] = later[:limit]
        return found

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        for each in links:
            self._orphans.setdefault(each.above, set()).add(each)

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        held = {post: self._orphans[post] for post in posts if post in self._orphans}
        return {post: sorted(links)[:limit] for post, links in held.items()}


def _claimed(reply: NewReply) -> tuple[int, UserId]:
    return reply.version, reply.author_id
