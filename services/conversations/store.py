"""Port: the replies to a post, and the orphans that wait below a root that they claim."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import PostId, UserId


class ReplyLink(NamedTuple):
    """A claim by `author_id` that `post_id` is below `above`."""

    above: PostId
    post_id: PostId
    author_id: UserId


class ConversationStore(Protocol):
    """Links only accumulate and may be outdated: readers check each against the post.

    Every write is idempotent, and seen by each read that begins after it returned, which joining
    replies to their parents relies on. Every method raises StoreUnavailable.
    """

    async def link(self, links: Sequence[ReplyLink]) -> None:
        """Store that each post is a reply to `above`."""

    async def children(self, parents: Collection[PostId], limit: int) -> dict[PostId, list[PostId]]:
        """Return up to `limit` replies to each parent, oldest first; no empty lists.

        One store request for up to 1,000 parents.
        """

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        """Store that each post, whose parent is unknown, waits below `above`."""

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        """Return up to `limit` orphans below each post, oldest first; no empty lists.

        One store request for up to 1,000 posts.
        """
