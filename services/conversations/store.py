"""Port: the replies to a post, and the orphans that wait below a root that they claim."""

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from schemas.ids import PostId, UserId, Version
from services.span import Span

OLDEST_FIRST = Span(newest_first=False)


class ReplyLink(NamedTuple):
    """A claim by `author_id` that `post_id` is below `above`."""

    above: PostId
    post_id: PostId
    author_id: UserId


class NewReply(NamedTuple):
    """A message by which `author_id` created `post_id` as a reply to `parent_id`."""

    parent_id: PostId
    post_id: PostId
    author_id: UserId
    version: Version


class Child(NamedTuple):
    """A post that somebody created as a reply to another.

    `author_id` is who did so at the lowest version, at equal ones the lower id; whoever owns the
    id, if the post is a reply to that other one at all. None where the link is of a release that
    kept no authors.
    """

    post_id: PostId
    author_id: UserId | None


class ConversationStore(Protocol):
    """Links only accumulate and may be outdated: readers check each against the post.

    Every write is idempotent, and seen by each read that begins after it returned, which joining
    replies to their parents relies on. Every method raises StoreUnavailable.
    """

    async def link(self, replies: Sequence[NewReply]) -> None:
        """Store the replies below their parents.

        A child that has an author is also found by that author, at any time.
        """

    async def children(
        self, parents: Collection[PostId], limit: int, span: Span = OLDEST_FIRST
    ) -> dict[PostId, list[Child]]:
        """Return up to `limit` children of each parent, in the span's order; no empty lists.

        One store request for up to 1,000 parents.
        """

    async def children_by(
        self, author: UserId, parents: Collection[PostId], limit: int, above: PostId
    ) -> dict[PostId, list[PostId]]:
        """Return up to `limit` posts with ids over `above` that an author created below each.

        Oldest first; no empty lists. One store request for up to 1,000 parents.
        """

    async def add_orphans(self, links: Sequence[ReplyLink]) -> None:
        """Store that each post, whose parent is unknown, waits below `above`."""

    async def orphans(self, posts: Collection[PostId], limit: int) -> dict[PostId, list[ReplyLink]]:
        """Return up to `limit` orphans below each post, oldest first; no empty lists.

        One store request for up to 1,000 posts.
        """
