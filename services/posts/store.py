"""Port: what is known of posts."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from schemas.ids import PostId, UserId
from services.posts.post import Post, PostMutation
from services.scan import ScanPage

MAX_ANCESTOR_HINT = 128
"""Ancestors kept as a hint: deeper than nearly every thread (103 in Ubuntu's IRC), 1 KiB."""


class PostStore(Protocol):
    """Posts by id. Recording is idempotent and commutative: `services.posts.post` is its law."""

    async def record(self, mutations: Sequence[PostMutation]) -> None:
        """Merges the mutations into their rows. Durable on return. Raises StoreUnavailable."""

    async def hint_ancestors(self, lines: Mapping[tuple[PostId, UserId], Sequence[PostId]]) -> None:
        """Keeps, for each (post, author), ancestors nearest first; the longest known one stays.

        A repost's are its original and what is above that. A hint saves later reads and decides
        nothing. Raises StoreUnavailable.
        """

    async def load(self, posts: Collection[PostId]) -> dict[PostId, Post]:
        """The known ones among `posts`, deleted ones included; the rest are left out.

        One store request for up to 1,000 ids. Raises StoreUnavailable.
        """

    async def scan(self, token: int, limit: int) -> ScanPage[PostId]:
        """Some of the ids of which anything is known, beyond a place. Raises StoreUnavailable."""
