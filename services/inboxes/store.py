"""Port: the posts and participants of conversations, and in which inboxes these are."""

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from schemas.ids import PostId, UserId

MAX_PULLED = 500
"""Pulled conversations of one user that are read: those with the newest roots."""
MAX_ACTIVE = 5_000
"""Conversations of one user and three days that are read: those with the newest roots."""


class ThreadPost(NamedTuple):
    """A post that its author wrote in the conversation below a root, as far as is known."""

    root_id: PostId
    post_id: PostId
    author_id: UserId


class InboxEntry(NamedTuple):
    """A conversation in a user's inbox, with its newest post when the entry was written."""

    user_id: UserId
    root_id: PostId
    post_id: PostId


class Membership(NamedTuple):
    """A user who takes part in a pulled conversation."""

    user_id: UserId
    root_id: PostId


class Stage(IntEnum):
    """How the posts of a conversation come into inboxes. It only rises.

    From LISTING on, whoever writes lists its author as a member; when it is PULLED everybody is
    listed, and its posts may be in no inbox.
    """

    PUSHED = 0
    LISTING = 1
    PULLED = 2


class Participants(NamedTuple):
    """Some or all of those who wrote in a conversation, each with their newest post there."""

    last_posts: Mapping[UserId, PostId]
    stage: Stage = Stage.PUSHED


class InboxStore(Protocol):
    """Rows only accumulate and may be outdated: readers check each against the posts.

    Every write is idempotent, durable on return, and seen by each read that begins after it, which
    joining posts and participants relies on. Entries whose post is older than the retention plus
    one bucket need not be kept. Every method raises StoreUnavailable.
    """

    async def add_posts(self, posts: Collection[ThreadPost]) -> None:
        """Store that posts are in conversations, and that their authors take part."""

    async def newest(self, roots: Collection[PostId], limit: int) -> dict[PostId, list[ThreadPost]]:
        """Return up to `limit` posts of each conversation, newest first; no empty lists.

        A post that several authors claim comes with each of them. One store request for up to
        1,000 roots and 100,000 posts.
        """

    async def participants(
        self, roots: Collection[PostId], limit: int
    ) -> dict[PostId, Participants]:
        """Return up to `limit` participants of each conversation. One request for 1,000 roots."""

    async def all_participants(self, root: PostId) -> set[UserId]:
        """Return everybody who takes part; a request for each 1,000."""

    async def last_posts(self, user: UserId, roots: Collection[PostId]) -> dict[PostId, PostId]:
        """Return the user's newest post in each conversation. One request for 1,000 roots."""

    async def raise_stage(self, roots: Collection[PostId], stage: Stage) -> None:
        """Raise the stage of conversations."""

    async def add_members(self, members: Collection[Membership]) -> None:
        """List who takes part in conversations that are pulled."""

    async def pulled(self, user: UserId) -> set[PostId]:
        """Return the pulled conversations of a user, up to MAX_PULLED. One store request."""

    async def add_entries(self, entries: Collection[InboxEntry]) -> None:
        """Store that conversations are in inboxes, each at its newest post."""

    async def recent(
        self, user: UserId, above: PostId, below: PostId, limit: int
    ) -> Mapping[PostId, PostId]:
        """Return up to `limit` conversations of an inbox with their posts, newest post first.

        The posts are above `above` and below `below`; fewer mean that there are no more. One that
        has a newer post in the same bucket, not below `below`, is left out. At most three store
        requests where there is a retention of up to 90 days.
        """
