"""Port: the posts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from schemas.ids import PostId, UserId
from services.posts.post import ClaimedPost, Post, PostMutation
from services.scan import ScanPage

MAX_ANCESTOR_HINT = 128
"""Ancestors in a hint, 1 KiB: deeper than nearly every thread (Ubuntu's IRC has one of 103)."""


class PostStore(Protocol):
    """Posts by id. Recording is idempotent and commutative, as `services.posts.post` merges."""

    async def record(self, mutations: Sequence[PostMutation]) -> None:
        """Merge the mutations into their rows. Durable on return. Raises StoreUnavailable."""

    async def blank(self, claims: Collection[tuple[PostId, UserId]]) -> None:
        """Blank the words of these claims for good, also those that are recorded later.

        All else stays as it is recorded. Durable on return. Raises StoreUnavailable.
        """

    async def hint_ancestors(self, hints: Mapping[tuple[PostId, UserId], Sequence[PostId]]) -> None:
        """Store the ancestors of each (post, author), nearest first; the longest hint stays.

        The hint of a repost is its original and that one's ancestors. Hints save reads and decide
        nothing. Raises StoreUnavailable.
        """

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        """Return the known ones among `posts` by id, deleted ones included.

        One store request for up to 1,000 ids. Raises StoreUnavailable.
        """

    async def load_claims(self, posts: Collection[PostId]) -> list[ClaimedPost]:
        """Return all claims of these ids whose creation is known, deleted ones included.

        One store request for up to 1,000 ids. Raises StoreUnavailable.
        """

    async def scan(self, token: int, limit: int) -> ScanPage[PostId]:
        """Return up to `limit` post ids with any row, after a token. Raises StoreUnavailable."""
