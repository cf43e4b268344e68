"""Port: who reposted what, and which reposts of an original were delivered to whom.

Everything here only ever accumulates, and says where a repost may count: which original it has,
and whether it is shown, is decided when reading, from the posts themselves.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from schemas.ids import IdArray, PostId, UserId
from services.reposts.window import Window
from services.span import Span


class RepostLink(NamedTuple):
    """`author_id` says that `post_id` reposts `target_id`."""

    target_id: PostId
    post_id: PostId
    author_id: UserId


class ResolvedRepost(NamedTuple):
    """A repost, and the original at which its line of reposts ended when somebody looked."""

    repost: RepostLink
    original_id: PostId


class AuthorRepost(NamedTuple):
    post_id: PostId
    original_id: PostId


def post_of(repost: AuthorRepost) -> PostId:
    """By which an author's reposts are ordered."""
    return repost.post_id


class RepostPage(NamedTuple):
    """Reposts of some posts, with the originals under which their delivery was asked for.

    `truncated` are the posts that have more of them.
    """

    requested: Mapping[RepostLink, AbstractSet[PostId]]
    truncated: AbstractSet[PostId] = frozenset()


class RepostStore(Protocol):
    """Every write is idempotent, and seen by each read that begins after it returned."""

    async def link(self, reposts: Sequence[RepostLink]) -> None:
        """Keeps that each post names its target. Raises StoreUnavailable."""

    async def mark_requested(self, resolved: Sequence[ResolvedRepost]) -> None:
        """Keeps that delivery of each repost under its original was asked for.

        Raises StoreUnavailable.
        """

    async def reposts_of(
        self, targets: Collection[PostId], after: RepostLink | None, limit: int
    ) -> RepostPage:
        """Reposts that name these targets, in their order; `after` one of a single target.

        At least one of each target that has any, and about `limit` at most. One store request for
        up to 1,000 targets. Raises StoreUnavailable.
        """

    async def add_author_reposts(self, resolved: Sequence[ResolvedRepost]) -> None:
        """Keeps that each repost, of its author, may have this original.

        Raises StoreUnavailable.
        """

    async def author_pages(
        self, authors: Collection[UserId], span: Span, limit: int
    ) -> dict[UserId, list[AuthorRepost]]:
        """Up to `limit` reposts of each author in a span, newest first; those with none left out.

        One with several originals is there several times. Raises StoreUnavailable.
        """

    async def add_home_reposts(self, users: IdArray, originals: IdArray, reposts: IdArray) -> None:
        """Keeps that reposts[i], of originals[i], was delivered to users[i].

        What is older than the retention plus one bucket need not be kept, as in home timelines.
        Raises StoreUnavailable.
        """

    async def delivered(
        self, user: UserId, windows: Collection[Window], limit: int
    ) -> dict[Window, list[PostId]]:
        """The earliest `limit` reposts to a user in each window; windows with none left out.

        One store request where they are fewer than some thousand in all.
        Raises StoreUnavailable.
        """
