"""Port: the posts that may speak to a user, and the replies by which an author answered posts."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

from schemas.ids import PostId, UserId
from services.span import Span

MENTIONED_LEVELS = 4
"""Ancestors of a post whose authors it speaks to (rule 25)."""
ANSWERED_LEVELS = 64
"""Ancestors of a reply that it answers (rule 26)."""


class Mention(NamedTuple):
    """A post that may speak to a user."""

    user_id: UserId
    post_id: PostId


class Answer(NamedTuple):
    """A post by an author that stands below an ancestor."""

    author_id: UserId
    ancestor_id: PostId
    post_id: PostId


class MentionStore(Protocol):
    """Rows only accumulate and may be outdated: readers check each against the posts.

    Every write is idempotent, durable on return, and seen by each read that begins after it. Rows
    whose post (of an answer: whose ancestor) is older than the retention plus one bucket need not
    be kept; how long the others are kept depends on that post alone. Every method raises
    StoreUnavailable.
    """

    async def add(self, mentions: Collection[Mention]) -> None:
        """Store that each post may speak to its user."""

    async def page(self, user: UserId, span: Span, limit: int) -> list[PostId]:
        """Return up to `limit` posts in the span's order; fewer mean that there are no more.

        One store request where there is a retention of up to 90 days.
        """

    async def add_answers(self, answers: Collection[Answer]) -> None:
        """Store that each author wrote a post below its ancestor."""

    async def newest_answers(
        self, author: UserId, posts: Collection[PostId]
    ) -> dict[PostId, PostId]:
        """Return the author's newest post below each of these; those without one are left out.

        One store request for up to 1,000 posts.
        """

    async def answers(
        self, author: UserId, posts: Collection[PostId], limit: int
    ) -> dict[PostId, list[PostId]]:
        """Return the author's posts below each of these, newest first; no empty lists.

        At most `limit` in all, and one store request.
        """
