"""Port: which replies stand below a post, and which wait for their parent below a claimed root."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import PostId, UserId


class ReplyLink(NamedTuple):
    """`author_id` says that `post_id` stands below `above`."""

    above: PostId
    post_id: PostId
    author_id: UserId


class ConversationStore(Protocol):
    """Links only ever accumulate and may be out of date: a reader checks each against the post.

    Every link is seen by each read that begins after its write returned; joining replies to
    their parents relies on it.
    """

    async def link(self, links: Sequence[ReplyLink]) -> None:
        """Keeps that each post is a reply to `above`. Idempotent. Raises StoreUnavailable."""

    async def children(self, parents: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        """Up to `limit` replies to each parent, oldest first; parents with none are left out.

        One store request for up to 1,000 parents. Raises StoreUnavailable.
        """

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        """Keeps that each post, its parent unknown, belongs in the conversation of `above`.

        Idempotent. Raises StoreUnavailable.
        """

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        """Up to `limit` claims on each post, oldest first; posts with none are left out.

        One store request for up to 1,000 posts. Raises StoreUnavailable.
        """
