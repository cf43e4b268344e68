"""Port: the links of reposts, and the reposts that were delivered to homes.

Everything here only accumulates and says where a repost may count. Its original, and whether it is
shown, are decided on read from the posts themselves.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, PostId, UserId
from services.reposts.window import Window
from services.span import Span


class RepostLink(NamedTuple):
    """A claim by `author_id` that `post_id` reposts `target_id`."""

    target_id: PostId
    post_id: PostId
    author_id: UserId


class ResolvedRepost(NamedTuple):
    """A repost, and the original at which its chain of reposts ended when it was last read."""

    repost: RepostLink
    original_id: PostId


class AuthorRepost(NamedTuple):
    """A repost in its author's listing, with one of its originals."""

    post_id: PostId
    original_id: PostId


def post_of(repost: AuthorRepost) -> PostId:
    """Return the id that orders an author's reposts."""
    return repost.post_id


class RepostPage(NamedTuple):
    """Reposts of some posts, with the originals under which their delivery was requested.

    `truncated` holds the posts that have more reposts.
    """

    requested: Mapping[RepostLink, AbstractSet[PostId]]
    truncated: AbstractSet[PostId] = frozenset()


class RepostStore(Protocol):
    """Every write is idempotent, and seen by each read that begins after it returned.

    Every method raises StoreUnavailable.
    """

    async def link(self, reposts: Sequence[RepostLink]) -> None:
        """Store that each post names its target."""

    async def mark_requested(self, resolved: Sequence[ResolvedRepost]) -> None:
        """Store that the delivery of each repost under its original was requested."""

    async def reposts_of(
        self, targets: Collection[PostId], after: RepostLink | None, limit: int
    ) -> RepostPage:
        """Return the reposts that name these targets, in order; after `after` for a single target.

        Each target that has any gets at least one and about `limit` at most. One store request for
        up to 1,000 targets.
        """

    async def add_author_reposts(self, resolved: Sequence[ResolvedRepost]) -> None:
        """Store that each repost, in its author's listing, may have this original."""

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[AuthorRepost]]:
        """Return up to `limit` reposts of each author in a span, newest first; no empty lists.

        A repost with several originals appears once for each.
        """

    async def add_home_reposts(self, users: IdArray, originals: IdArray, reposts: IdArray) -> None:
        """Store that reposts[i], of originals[i], was delivered to users[i].

        Rows older than the retention plus one bucket may expire, as in home timelines.
        """

    async def delivered(
        self, user: UserId, windows: Collection[Window], limit: int
    ) -> dict[Window, list[PostId]]:
        """Return the earliest `limit` reposts to a user in each window; no empty lists.

        One store request if there are fewer than some thousand in all.
        """
